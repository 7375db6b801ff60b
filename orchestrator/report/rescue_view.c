/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/report/rescue_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/audit/sentence.h"

#define NAME_PREFIX "rescue-"

bool rescue_is_name(const char *name)
{
	return strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) == 0;
}

void rescue_view_free(struct rescue_view *rescue)
{
	if (!rescue)
		return;
	for (size_t i = 0; i < rescue->count; i++) {
		free(rescue->hosts[i].agent_id);
		free(rescue->hosts[i].hostname);
		free(rescue->hosts[i].act);
		free(rescue->hosts[i].change);
		free(rescue->hosts[i].gives_way);
		json_decref(rescue->hosts[i].changes);
		free(rescue->hosts[i].operation);
		free(rescue->hosts[i].said);
		free(rescue->hosts[i].id_after);
	}
	for (size_t i = 0; i < rescue->step_count; i++) {
		free(rescue->steps[i].hostname);
		free(rescue->steps[i].text);
	}
	free(rescue->hosts);
	free(rescue->steps);
	free(rescue->cluster);
	free(rescue->where);
	free(rescue->proposal);
	free(rescue->actor);
	free(rescue);
}

bool rescued_host_is_done(const struct rescued_host *host)
{
	return strcmp(host->end, "done") == 0 && host->proven;
}

size_t rescue_view_done(const struct rescue_view *rescue)
{
	size_t done = 0;

	for (size_t i = 0; i < rescue->count; i++)
		done += rescued_host_is_done(&rescue->hosts[i]);
	return done;
}

/* ---- from its events */

struct reading {
	struct store *store;
	struct run_view *view;
};

static char *copy_member(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text && *text ? xstrdup(text) : NULL;
}

/* text is taken. */
static void replace(char **member, char *text)
{
	if (!text)
		return;
	free(*member);
	*member = text;
}

static int find_hostname(struct store *store, const char *agent_id, char **out, struct error *err)
{
	struct store_cursor rows;

	if (store_query(store, &rows, err, "SELECT hostname FROM agents WHERE id = ?1 ORDER BY row DESC LIMIT 1", "t",
			agent_id) < 0)
		return -1;
	int found = store_next(&rows, err);

	if (found >= 0)
		*out = xstrdup(found > 0 && store_text(&rows, 0) ? store_text(&rows, 0) : agent_id);
	store_done(&rows);
	return found < 0 ? -1 : 0;
}

static struct rescued_host *find_host(const struct reading *reading, const struct ledger_entry *entry,
				      struct error *err)
{
	struct rescue_view *rescue = reading->view->rescue;
	char *hostname;

	for (size_t i = 0; i < rescue->count; i++)
		if (strcmp(rescue->hosts[i].agent_id, entry->agent_id) == 0)
			return &rescue->hosts[i];
	if (find_hostname(reading->store, entry->agent_id, &hostname, err) < 0)
		return NULL;
	rescue->hosts = xreallocarray(rescue->hosts, rescue->count + 1, sizeof *rescue->hosts);
	rescue->hosts[rescue->count] = (struct rescued_host){.agent_id = xstrdup(entry->agent_id),
							     .hostname = hostname,
							     .end = "pending",
							     .from_ms = entry->time_ms};
	return &rescue->hosts[rescue->count++];
}

static void take_begun(struct rescue_view *rescue, const struct ledger_entry *entry, const json_t *body)
{
	if (!rescue->begun_ms)
		rescue->begun_ms = entry->time_ms;
	replace(&rescue->actor, xstrdup(entry->actor));
	replace(&rescue->cluster, copy_member(body, "cluster"));
	replace(&rescue->where, copy_member(body, "where"));
	replace(&rescue->proposal, copy_member(body, "proposal"));
}

static void take_host(struct rescued_host *host, const struct ledger_entry *entry, const json_t *body)
{
	static const struct {
		const char *kind, *end;
	} ends[] = {{"rescue.intent", "pending"},
		    {"rescue.done", "done"},
		    {"rescue.failed", "failed"},
		    {"rescue.lost", "unknown"},
		    {"rescue.refused", "refused"}};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (strcmp(entry->kind, ends[i].kind) == 0)
			host->end = ends[i].end;
	host->until_ms = entry->time_ms;
	replace(&host->act, copy_member(body, "act"));
	replace(&host->operation, copy_member(body, "operation"));
	replace(&host->hostname, copy_member(body, "hostname"));
	if (strcmp(entry->kind, "rescue.intent") == 0) {
		replace(&host->change, rescue_change_text(body));
		replace(&host->gives_way, copy_member(body, "gives_way"));
		json_decref(host->changes);
		host->changes = json_incref(json_object_get(body, "changes"));
	}
	replace(&host->said, copy_member(body, "said"));
	if (strcmp(entry->kind, "rescue.proof") != 0)
		return;
	host->judged = true;
	host->proven = json_is_true(json_object_get(body, "pass"));
	replace(&host->id_after, copy_member(body, "id_after"));
	host->tasks = json_integer_value(json_object_get(body, "tasks"));
	host->tasks_running = json_integer_value(json_object_get(body, "tasks_running"));
}

/* body is taken. */
static void add_step(struct rescue_view *rescue, const struct rescued_host *host, const struct ledger_entry *entry,
		     json_t *body)
{
	rescue->steps = xreallocarray(rescue->steps, rescue->step_count + 1, sizeof *rescue->steps);
	rescue->steps[rescue->step_count++] = (struct rescue_step){
		.time_ms = entry->time_ms,
		.hostname = host ? xstrdup(host->hostname) : NULL,
		.text = event_sentence(entry->kind, body),
	};
	json_decref(body);
}

static int take(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	const struct reading *reading = ctx;
	struct run_view *view = reading->view;
	struct rescued_host *host = NULL;
	json_t *body;

	memcpy(view->run_hash, entry->hash, sizeof view->run_hash);
	view->rescue->last_ms = entry->time_ms;
	if (entry->agent_id && !(host = find_host(reading, entry, err)))
		return -1;
	body = json_loadb(entry->body, entry->body_len, 0, NULL);
	if (strcmp(entry->kind, "rescue.begun") == 0)
		take_begun(view->rescue, entry, body);
	if (host)
		take_host(host, entry, body);
	add_step(view->rescue, host, entry, body);
	return 0;
}

static int load(struct store *store, const char *name, struct run_view *view, struct error *err)
{
	struct reading reading = {store, view};
	struct ledger *ledger = ledger_open(store, "reader", err);
	int result = -1;

	if (ledger) {
		memcpy(view->head, ledger_head(ledger), sizeof view->head);
		result = ledger_run_events(store, name, take, &reading, err);
	}
	ledger_close(ledger);
	if (result == 0 && view->rescue->step_count == 0)
		return error_set(err, ERROR_USAGE,
				 "no such rescue: %s. `rollcall audit log --kind rescue` lists what there is", name);
	return result;
}

int rescue_view_load(struct store *store, const char *name, int64_t now_ms, struct run_view *out, struct error *err)
{
	struct run_view view = {.now_ms = now_ms, .rescue = xcalloc(1, sizeof *view.rescue)};
	int result;

	plan_init(&view.plan);
	view.run.id = xstrdup(name);
	result = load(store, name, &view, err);
	if (result == 0)
		*out = view;
	else
		run_view_clear(&view);
	return result;
}
