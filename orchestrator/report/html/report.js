/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the page can do beyond being read: sorting, filtering, the proofs of thousands of agents, the timeline's bars one by one. Texts
 * reach the page through textContent alone. No two question marks stand together here: in C, where this is kept, they may begin a trigraph.
 */
(function () {
	"use strict";
	document.documentElement.classList.add("js");

	function all(where, what) { return Array.prototype.slice.call(where.querySelectorAll(what)); }
	function one(id) { return document.getElementById(id); }
	function make(name, attributes, text) {
		var element = document.createElement(name);
		for (var key in attributes) element.setAttribute(key, attributes[key]);
		if (text !== undefined) element.textContent = text;
		return element;
	}
	function data(id) { return JSON.parse(one(id).textContent); }

	/* ---- sorting */

	function key(row, column) {
		var cell = row.cells[column], value = cell.dataset.v;
		if (value !== undefined) return Number(value);
		var text = cell.textContent.trim();
		return text !== "" && !isNaN(text) ? Number(text) : text.toLowerCase();
	}
	var collator = new Intl.Collator("en", { numeric: true });
	function compare(a, b) {
		if (typeof a === "number" && typeof b === "number") return a - b;
		return collator.compare(String(a), String(b));
	}
	function sorted(rows, column, direction) {
		var keyed = rows.map(function (row, at) { return { row: row, key: key(row, column), at: at }; });
		keyed.sort(function (a, b) { return direction * compare(a.key, b.key) || a.at - b.at; });
		return keyed.map(function (entry) { return entry.row; });
	}
	/* Headings become buttons; sort(column, direction) does it. */
	function headings(table, sort) {
		var heads = all(table.tHead, "th");
		heads.forEach(function (head, column) {
			if (head.dataset.fixed !== undefined) return;
			var button = make("button", { type: "button" });
			while (head.firstChild) button.appendChild(head.firstChild);
			head.appendChild(button);
			button.addEventListener("click", function () {
				var up = head.getAttribute("aria-sort") === "ascending";
				heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
				head.setAttribute("aria-sort", up ? "descending" : "ascending");
				sort(column, up ? -1 : 1);
			});
		});
	}
	function sortable(table) {
		headings(table, function (column, direction) {
			var body = table.tBodies[0];
			sorted(Array.prototype.slice.call(body.rows), column, direction).forEach(function (row) { body.appendChild(row); });
		});
	}

	/* ---- proofs, as html_agents.c writes them */

	var sheets = {};
	function sheetsOf(run) { return sheets[run] || (sheets[run] = data("r" + run + "-sheets")); }
	function cell(row, name, text) { return row.appendChild(make(name, {}, text === null ? "\u2013" : text)); }
	function fieldsTable(fields, text) {
		var table = make("table", { class: "fields" }), head = table.createTHead().insertRow(), body = table.createTBody();
		table.insertBefore(make("caption", {}, "SlaveInfo and flags"), table.firstChild);
		["Field", "Before", "Planned", "Found"].forEach(function (name) { head.appendChild(make("th", { scope: "col" }, name)); });
		for (var i = 0; i < fields.length; i += 5) {
			var row = body.insertRow();
			row.className = ["", "changes", "wrong"][fields[i + 4]];
			row.appendChild(make("th", { scope: "row" }, text(fields[i])));
			cell(row, "td", text(fields[i + 1]));
			cell(row, "td", text(fields[i + 2]));
			var found = cell(row, "td", text(fields[i + 3]));
			if (fields[i + 4] === 2) found.insertBefore(make("strong", {}, "WRONG "), found.firstChild);
		}
		var scroll = make("div", { class: "scroll" });
		scroll.appendChild(table);
		return scroll;
	}
	function sheet(run, agent) {
		var source = sheetsOf(run), parts = source.agents[agent], box = make("div", { class: "sheet" });
		function text(number) { return number < 0 ? null : source.texts[number]; }
		var facts = box.appendChild(make("dl", { class: "facts" })), i;
		for (i = 0; i < parts[1].length; i += 2) {
			facts.appendChild(make("dt", {}, text(parts[1][i])));
			facts.appendChild(make("dd", {}, text(parts[1][i + 1])));
		}
		box.appendChild(fieldsTable(parts[2], text));
		box.appendChild(make("h4", {}, "Proof " + (text(parts[3]) || "none was taken")));
		var lines = box.appendChild(make("ul", { class: "lines" }));
		for (i = 0; i < parts[4].length; i += 3) {
			var ok = parts[4][i] === 1, line = lines.appendChild(make("li", { class: ok ? "ok" : "wrong" }));
			line.appendChild(make("b", {}, ok ? "ok" : "WRONG"));
			line.appendChild(document.createTextNode(" " + text(parts[4][i + 1])));
			if (parts[4][i + 2] >= 0) {
				line.appendChild(document.createTextNode(": "));
				line.appendChild(make("span", {}, text(parts[4][i + 2])));
			}
		}
		if (parts[6] >= 0) {
			box.appendChild(make("h4", {}, "The agent's own words"));
			box.appendChild(make("pre", {}, text(parts[6])));
		}
		box.appendChild(make("h4", {}, "Steps"));
		var steps = box.appendChild(make("ol", { class: "steps" }));
		for (i = 0; i < parts[5].length; i += 2) {
			var step = steps.appendChild(make("li"));
			step.appendChild(make("time", {}, new Date(source.from + parts[5][i]).toISOString()));
			step.appendChild(document.createTextNode(" " + text(parts[5][i + 1])));
		}
		return box;
	}

	/* ---- the table of agents: matching lines stand in the first body, as many as are laid out; the others wait in the second */

	function agentsTable(table) {
		var run = table.dataset.agents, section = table.closest("section"), form = section.querySelector("form");
		var rows = all(table, "tbody > tr"), order = rows.slice(), step = Number(table.dataset.lines), limit = step;
		var shown = table.tBodies[0], rest = table.tBodies[1] || table.appendChild(make("tbody", { class: "rest" }));
		var more = section.querySelector(".more"), said = form.querySelector("output"), timer = 0;
		var words = null;
		function prepare() {
			if (words) return;
			words = new Map();
			rows.forEach(function (row) { words.set(row, row.textContent.toLowerCase()); });
		}
		function close() { all(shown, "tr.open").forEach(function (row) { row.remove(); }); }
		function matches() {
			var text = form.text.value.trim().toLowerCase(), outcome = form.outcome.value, zone = form.zone.value;
			if (text === "" && outcome === "" && zone === "") return order;
			prepare();
			return order.filter(function (row) {
				if (outcome === "trouble" ? row.className === "o-done" : outcome !== "" && row.className !== "o-" + outcome)
					return false;
				return (zone === "" || row.cells[1].textContent === zone) && words.get(row).indexOf(text) >= 0;
			});
		}
		function lay() {
			var found = matches(), first = found.slice(0, limit), keep = new Set(first), fragment = document.createDocumentFragment();
			var away = document.createDocumentFragment();
			close();
			Array.prototype.slice.call(shown.rows).forEach(function (row) { if (!keep.has(row)) away.appendChild(row); });
			first.forEach(function (row) { fragment.appendChild(row); });
			rest.insertBefore(away, rest.firstChild);
			shown.appendChild(fragment);
			more.hidden = found.length <= limit;
			var everyone = rows.length + (rows.length === 1 ? " agent" : " agents");
			said.textContent = found.length === rows.length ? everyone : found.length + " of " + everyone;
		}
		function again() { limit = step; lay(); }
		function toggle(row, agent) {
			var next = row.nextElementSibling;
			if (next && next.className === "open") { next.remove(); row.querySelector("a").setAttribute("aria-expanded", "false"); return; }
			var line = make("tr", { class: "open" }), wide = line.appendChild(make("td", { colspan: "8" }));
			wide.appendChild(sheet(run, agent));
			row.after(line);
			row.querySelector("a").setAttribute("aria-expanded", "true");
		}
		/* The agent's line, wherever it is, with its proof open. */
		function reveal(agent) {
			var row = one("r" + run + "-a" + agent);
			if (row.parentNode !== shown) { form.reset(); limit = Math.max(limit, order.indexOf(row) + 1); lay(); }
			if (!row.nextElementSibling || row.nextElementSibling.className !== "open") toggle(row, agent);
			row.scrollIntoView({ block: "center" });
			row.querySelector("a").focus({ preventScroll: true });
		}
		rows.forEach(function (row) { row.cells[0].querySelector("a").setAttribute("aria-expanded", "false"); });
		table.addEventListener("click", function (event) {
			var link = event.target.closest("tbody th > a[data-agent]");
			if (!link || event.ctrlKey || event.metaKey) return;
			event.preventDefault();
			toggle(link.closest("tr"), Number(link.dataset.agent));
		});
		headings(table, function (column, direction) { order = sorted(order, column, direction); again(); });
		form.addEventListener("submit", function (event) { event.preventDefault(); });
		form.addEventListener("reset", function () { setTimeout(again, 0); });
		form.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(again, rows.length > 1000 ? 120 : 0); });
		more.querySelector("button").addEventListener("click", function () { limit += step; lay(); });
		/* Paper has every line that matches, and no line that does not. */
		window.addEventListener("beforeprint", function () {
			var before = limit;
			limit = rows.length;
			lay();
			rest.hidden = true;
			limit = before;
		});
		window.addEventListener("afterprint", function () { rest.hidden = false; lay(); });
		form.hidden = false;
		lay();
		return { reveal: reveal, filter: function (zone) { form.reset(); setTimeout(function () { form.zone.value = zone; again(); }, 0); },
			 row: function (agent) { return one("r" + run + "-a" + agent); } };
	}

	/* ---- the timeline */

	function timeline(plot, table) {
		var run = plot.dataset.plot, source = data("r" + run + "-bars"), bars = source.bars;
		var lanes = plot.querySelector(".lanes"), cursor = lanes.querySelector(".cursor"), tip = plot.querySelector(".tip");
		var height = Number(lanes.dataset.lane), at = -1, byLane = [];
		bars.forEach(function (bar, index) { (byLane[bar[1]] = byLane[bar[1]] || []).push(index); });
		function words(bar) {
			var cells = table.row(bar[0]).cells;
			return [cells[0], cells[1], cells[2].querySelector(".o").lastChild, cells[6], cells[7]].map(function (part) {
				return part.textContent.trim();
			}).filter(function (text) { return text !== ""; }).join(" \u00b7 ");
		}
		function show(index, quietly) {
			var bar = bars[index], box = lanes.getBoundingClientRect(), around = plot.getBoundingClientRect();
			at = index;
			cursor.setAttribute("x", bar[2] / 100 + "%");
			cursor.setAttribute("y", bar[1] * height);
			cursor.setAttribute("width", Math.max(bar[3] - bar[2], 10) / 100 + "%");
			cursor.setAttribute("height", Math.max(height, 3));
			if (quietly) return;
			tip.textContent = words(bar);
			tip.hidden = false;
			var x = box.left - around.left + box.width * bar[2] / 10000;
			tip.style.left = Math.max(4, Math.min(x, around.width - tip.offsetWidth - 8)) + "px";
			tip.style.top = box.top - around.top + (bar[1] + 1) * height + 8 + "px";
		}
		function hide() { tip.hidden = true; cursor.setAttribute("width", 0); }
		function under(event) {
			var box = lanes.getBoundingClientRect(), x = 10000 * (event.clientX - box.left) / box.width;
			var lane = Math.floor((event.clientY - box.top) / height), best = -1, least = 120, spread = height < 4 ? 2 : 0;
			for (var l = lane - spread; l <= lane + spread; l++)
				(byLane[l] || []).forEach(function (index) {
					var off = Math.max(bars[index][2] - x, x - bars[index][3], 0) + 20 * Math.abs(l - lane);
					if (off < least) { best = index; least = off; }
				});
			return best;
		}
		lanes.addEventListener("pointermove", function (event) {
			var index = under(event);
			if (index < 0) hide(); else if (index !== at || tip.hidden) show(index);
		});
		lanes.addEventListener("pointerleave", hide);
		lanes.addEventListener("click", function (event) { var index = under(event); if (index >= 0) table.reveal(bars[index][0]); });
		plot.setAttribute("tabindex", "0");
		plot.setAttribute("role", "group");
		plot.setAttribute("aria-label", "Timeline of " + bars.length + (bars.length === 1 ? " agent" : " agents") + ". Arrow keys step through them, Enter opens the proof.");
		plot.addEventListener("keydown", function (event) {
			var steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 50, PageUp: -50, Home: -bars.length, End: bars.length };
			if (event.key === "Enter" && at >= 0) { table.reveal(bars[at][0]); event.preventDefault(); return; }
			if (event.key === "Escape") { hide(); return; }
			if (!steps[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
			event.preventDefault();
			show(Math.max(0, Math.min(bars.length - 1, at + steps[event.key])));
		});
		plot.addEventListener("blur", hide);
		plot.closest("figure").querySelector(".keys").hidden = false;
	}

	function begin() {
		all(document, "table[data-sort]").forEach(sortable);
		all(document, "section.run").forEach(function (section) {
			var table = agentsTable(section.querySelector("table.agents")), plot = section.querySelector("[data-plot]");
			if (plot) timeline(plot, table);
			all(section, "a[data-zone]").forEach(function (link) {
				link.addEventListener("click", function () { table.filter(link.dataset.zone); });
			});
			all(section, ".hosts a[data-agent]").forEach(function (link) {
				link.addEventListener("click", function (event) { event.preventDefault(); table.reveal(Number(link.dataset.agent)); });
			});
		});
		/* Of few agents paper gets every proof, of many those that are open. */
		var opened = [];
		window.addEventListener("beforeprint", function () {
			var proofs = all(document, "details.proof:not([open])");
			opened = proofs.filter(function (proof) { return proofs.length <= 30 || proof.classList.contains("o-stuck"); });
			opened.forEach(function (proof) { proof.open = true; });
		});
		window.addEventListener("afterprint", function () { opened.forEach(function (proof) { proof.open = false; }); });
	}
	document.addEventListener("DOMContentLoaded", begin);
})();
