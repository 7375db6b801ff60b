/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall-lab status: roles, hosts as their supervisor and the master see them, armed faults, leftovers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/term.h"
#include "lab/commands/commands.h"
#include "lab/commands/masters.h"
#include "lab/core/faults.h"
#include "lab/core/lab.h"
#include "lab/core/link.h"
#include "lab/core/processes.h"

#define ASK_TIMEOUT_MS 5000

#define PARTS 2 /* besides the masters */

/* "supervisor", "front", then the masters; NULL ends them. */
static const char *role_at(const struct lab *lab, size_t index)
{
	static const char *const parts[PARTS] = {"supervisor", "front"};
	if (index < PARTS)
		return parts[index];
	if (index < PARTS + lab->master_count)
		return lab->masters[index - PARTS].role;
	return index == PARTS + lab->master_count && lab->zookeeper != NULL ? "zookeeper" : NULL;
}

static json_t *armed_faults(const struct lab *lab, const char *target)
{
	struct fault_set set = {.items = NULL};
	json_t *names = json_array();
	fault_set_load(lab, target, &set);
	for (size_t i = 0; i < set.count; i++)
		json_array_append_new(names, json_string(set.items[i].kind->name));
	fault_set_clear(&set);
	return names;
}

static json_t *ask(const struct lab *lab, const char *role)
{
	return control_ask(lab, role, json_pack("{ss}", "type", "status"), ASK_TIMEOUT_MS, NULL);
}

static json_t *describe_host(const struct lab *lab, const struct lab_host *host, const json_t *units,
			     const json_t *agents)
{
	const json_t *unit = json_object_get(units, host->name), *agent = json_object_get(agents, host->name);
	const char *state = json_string_value(json_object_get(unit, "state"));
	const char *id = json_string_value(json_object_get(agent, "id"));
	const char *standing = json_string_value(json_object_get(agent, "state"));
	return json_pack(
		"{ss ss ss ss sI ss* ss sI so}", "name", host->name, "address", host->address, "zone", host->zone,
		"unit", state != NULL ? state : "unknown", "pid", json_integer_value(json_object_get(unit, "pid")),
		"id", id, "master", standing != NULL ? standing : "unknown", "tasks_running",
		json_integer_value(json_object_get(agent, "running")), "faults", armed_faults(lab, host->name));
}

/* Of one master the names of its faults; of several "master:2 hang". */
static json_t *master_faults(const struct lab *lab)
{
	json_t *all = json_array();
	for (size_t i = 0; i < lab->master_count; i++) {
		json_t *names = armed_faults(lab, lab->masters[i].role), *name;
		size_t index;
		json_array_foreach(names, index, name)
		{
			json_array_append(all, name);
			if (lab->master_count > 1)
				json_array_set_new(
					all, json_array_size(all) - 1,
					json_sprintf("%s %s", lab->masters[i].role, json_string_value(name)));
		}
		json_decref(names);
	}
	return all;
}

static json_t *describe_masters(const struct lab *lab, const char *leader)
{
	json_t *all = json_array();
	for (size_t i = 0; i < lab->master_count; i++) {
		const struct lab_master *master = &lab->masters[i];
		json_array_append_new(all,
				      json_pack("{ss ss ss sb sb}", "role", master->role, "address", master->address,
						"version", master->version, "domain", master->has_domain, "leads",
						leader != NULL && strcmp(leader, master->role) == 0));
	}
	return all;
}

static json_t *describe(const struct lab *lab)
{
	struct process_list processes = {.pids = NULL};
	json_t *supervisor = ask(lab, "supervisor"), *master = masters_ask_leader(lab, ASK_TIMEOUT_MS);
	json_t *hosts = json_array(), *running = json_object();
	for (size_t i = 0; i < lab->host_count; i++)
		json_array_append_new(hosts, describe_host(lab, &lab->hosts[i], json_object_get(supervisor, "hosts"),
							   json_object_get(master, "agents")));
	for (size_t i = 0; role_at(lab, i) != NULL; i++)
		json_object_set_new(running, role_at(lab, i), json_integer(process_recorded(lab, role_at(lab, i))));
	processes_of_lab(lab, &processes);
	json_t *root = json_pack("{ss ss ss sf so si so so so}", "dir", lab->dir, "id", lab->id, "master", lab->master,
				 "time_scale", lab->time_scale, "roles", running, "processes", (int)processes.count,
				 "master_faults", master_faults(lab), "masters",
				 describe_masters(lab, masters_leader(lab, ASK_TIMEOUT_MS)), "hosts", hosts);
	process_list_clear(&processes);
	json_decref(supervisor);
	json_decref(master);
	return root;
}

static char *join(const json_t *names)
{
	struct buffer text = BUFFER_INIT(4096);
	for (size_t i = 0; i < json_array_size(names); i++)
		buffer_printf(&text, "%s%s", i > 0 ? " " : "", json_string_value(json_array_get(names, i)));
	return buffer_take(&text);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "-";
}

static void print_hosts(const json_t *hosts)
{
	static const char *const headings[] = {"HOST",        "ADDRESS", "ZONE",     "UNIT",
					       "MASTER SAYS", "TASKS",   "AGENT ID", "FAULTS"};
	struct table *table = table_new(headings, 8);
	const json_t *host;
	size_t index;
	json_array_foreach(hosts, index, host)
	{
		char tasks[32], *faults = join(json_object_get(host, "faults"));
		snprintf(tasks, sizeof(tasks), "%lld",
			 (long long)json_integer_value(json_object_get(host, "tasks_running")));
		const char *const cells[] = {text_of(host, "name"),   text_of(host, "address"),
					     text_of(host, "zone"),   text_of(host, "unit"),
					     text_of(host, "master"), tasks,
					     text_of(host, "id"),     faults};
		table_add(table, cells);
		free(faults);
	}
	table_print(table, stdout);
	table_free(table);
}

static void print_status(const json_t *status)
{
	json_t *running = json_object_get(status, "roles"), *pid, *master;
	size_t dead = 0, index;
	const char *role;
	printf("Lab in %s\n", text_of(status, "dir"));
	json_array_foreach(json_object_get(status, "masters"), index, master)
		printf("  %s http://%s%s\n", text_of(master, "role"), text_of(master, "address"),
		       json_is_true(json_object_get(master, "leads")) ? " leads" : "");
	json_object_foreach(running, role, pid)
	{
		dead += json_integer_value(pid) == 0;
		if (json_integer_value(pid) == 0)
			printf("  %s is not running\n", role);
	}
	char *faults = join(json_object_get(status, "master_faults"));
	if (*faults != '\0')
		printf("  faults of the master: %s\n", faults);
	free(faults);
	long long processes = json_integer_value(json_object_get(status, "processes"));
	if (dead == json_object_size(running) && processes > 0)
		printf("  %lld processes of it are left over: rollcall-lab down ends them\n", processes);
	putchar('\n');
	print_hosts(json_object_get(status, "hosts"));
}

static bool all_is_well(const json_t *status)
{
	const json_t *host;
	size_t index;
	const char *role;
	json_t *pid;
	json_object_foreach(json_object_get(status, "roles"), role, pid)
	{
		if (json_integer_value(pid) == 0)
			return false;
	}
	json_array_foreach(json_object_get(status, "hosts"), index, host)
	{
		if (strcmp(text_of(host, "master"), "active") != 0)
			return false;
	}
	return true;
}

static int show(const char *dir, bool as_json, struct error *err)
{
	struct lab *lab = lab_load(dir, err);
	if (lab == NULL)
		return -1;
	json_t *status = describe(lab);
	if (as_json) {
		struct buffer text = BUFFER_INIT(64u << 20);
		json_write(status, true, &text);
		puts(buffer_text(&text));
		buffer_clear(&text);
	} else {
		print_status(status);
	}
	int code = all_is_well(status) ? 0 : 1;
	json_decref(status);
	lab_free(lab);
	return code;
}

int command_status(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct lab_session *session = ctx;
	const char *dir = "lab";
	bool as_json = false;
	const struct option options[] = {
		{"dir", 'd', OPTION_STRING, &dir, "DIR", "the lab's folder (./lab)", 0, 0},
		{"json", 'j', OPTION_FLAG, &as_json, NULL, "one JSON document", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct arguments operands = {.items = NULL};
	int result = command_begin(self, argc, argv, options, &operands, &session->error);
	if (result == 0)
		result = show(dir, as_json, &session->error);
	else if (result > 0)
		result = 0;
	arguments_clear(&operands);
	return result;
}
