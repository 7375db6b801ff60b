/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/survey.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "agentctl/life.h"
#include "agentctl/preflight.h"
#include "agentctl/self.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/redact.h"

#define SURVEY_FORMAT 1
/* The text of a SlaveInfo is a few times as long as its message. */
#define TEXT_MAX      (64u << 20)

void flags_redact(const struct flags *flags, struct flags *out)
{
	for (size_t i = 0; i < flags->count; i++) {
		const struct flag *flag = &flags->items[i];
		char *shown = flag_is_secret(flag->name) ? xstrdup("<redacted>") : redact_urls(flag->value);

		flags_set(out, flag->name, shown);
		free(shown);
	}
}

static json_t *text_or_null(const char *text)
{
	json_t *value = text == NULL ? NULL : json_string(text);

	return value == NULL ? json_null() : value;
}

static void put(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, text_or_null(text));
}

static json_t *error_to_json(const struct error *err)
{
	json_t *object = json_object();

	put(object, "error", err->text);
	return object;
}

static json_t *redacted_flags(const struct flags *flags)
{
	struct flags shown = FLAGS_INIT;
	json_t *object;

	flags_redact(flags, &shown);
	object = flags_to_json(&shown);
	flags_clear(&shown);
	return object;
}

/* Empty: not known. */
static json_t *known_flags_to_json(const struct facts *facts)
{
	struct known_flags known = {.names = NULL, .count = 0};
	json_t *array = json_array();

	if (facts->running)
		known_flags_ask(facts->agent.executable, &known);
	for (size_t i = 0; i < known.count; i++)
		json_array_append_new(array, json_string(known.names[i]));
	known_flags_clear(&known);
	return array;
}

static json_t *agent_to_json(const struct facts *facts)
{
	json_t *object = json_object();

	put(object, "id", facts->checkpoint.agent_id);
	json_object_set_new(object, "running", json_boolean(facts->running));
	json_object_set_new(object, "pid", json_integer(facts->agent.process.pid));
	json_object_set_new(object, "start_ticks", json_integer(facts->agent.process.start_ticks));
	put(object, "version", facts->version_text);
	put(object, "flags_from", !facts->running ? "store" : facts->agent.asked ? "agent" : "process");
	json_object_set_new(object, "flags",
			    redacted_flags(facts->running ? &facts->agent.flags : &facts->store.flags));
	put(object, "executable", facts->agent.executable);
	json_object_set_new(object, "known_flags", known_flags_to_json(facts));
	return object;
}

static json_t *checkpoint_to_json(const struct facts *facts)
{
	const struct checkpoint_state *checkpoint = &facts->checkpoint;
	struct buffer bytes = BUFFER_INIT(CHECKPOINT_MAX);
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	json_t *object;
	char *encoded;

	if (facts->checkpoint_error.kind != ERROR_NONE)
		return error_to_json(&facts->checkpoint_error);
	if (checkpoint->info == NULL)
		return json_null();
	object = json_object();
	slaveinfo_pack(checkpoint->info, &bytes);
	slaveinfo_to_text(checkpoint->info, &text);
	encoded = base64_encode(bytes.data, bytes.len);
	put(object, "path", checkpoint->slave_info_path);
	put(object, "sha256", facts->checkpoint_sha256);
	put(object, "slave_info", encoded);
	put(object, "text", buffer_text(&text));
	put(object, "boot_id", checkpoint->boot_id);
	free(encoded);
	buffer_clear(&bytes);
	buffer_clear(&text);
	return object;
}

static json_t *store_paths_to_json(const struct host_settings *host)
{
	json_t *array = json_array();

	json_array_append_new(array, text_or_null(host->store_path));
	for (size_t i = 0; host->store_later[i] != NULL; i++)
		json_array_append_new(array, text_or_null(host->store_later[i]));
	return array;
}

static json_t *store_to_json(const struct facts *facts)
{
	json_t *object;

	if (facts->store_error.kind != ERROR_NONE)
		return error_to_json(&facts->store_error);
	object = json_object();
	put(object, "kind", flag_store_kind_name(facts->store.kind));
	put(object, "path", facts->store.path);
	if (facts->host.store_later != NULL)
		json_object_set_new(object, "paths", store_paths_to_json(&facts->host));
	put(object, "sha256", facts->store.sha256);
	json_object_set_new(object, "flags", redacted_flags(&facts->store.flags));
	return object;
}

static json_t *control_to_json(const struct facts *facts)
{
	static const char *const kinds[] = {"unknown", "systemd", "commands"};
	const struct control_status *status = &facts->control;
	json_t *object = json_object();

	put(object, "kind", kinds[facts->host.control]);
	put(object, "unit", facts->host.unit);
	json_object_set_new(object, "active", status->known ? json_boolean(status->active) : json_null());
	put(object, "kill_mode", status->kill_mode[0] != '\0' ? status->kill_mode : NULL);
	return object;
}

static json_t *detected_to_json(const struct detected *detected)
{
	json_t *object = json_object();

	json_object_set_new(object, "cpus", detected->cpus < 0 ? json_null() : json_real(detected->cpus));
	json_object_set_new(object, "mem_mb", detected->mem_mb < 0 ? json_null() : json_real(detected->mem_mb));
	json_object_set_new(object, "disk_mb", detected->disk_mb < 0 ? json_null() : json_real(detected->disk_mb));
	json_object_set_new(object, "gpus", json_real(detected->gpus));
	put(object, "hostname", detected->hostname);
	return object;
}

/* Would the agent recover if it restarted now, with what the store says? */
static json_t *verdict_to_json(const struct facts *facts)
{
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(TEXT_MAX)};
	struct error why = ERROR_INIT;
	struct flags flags = FLAGS_INIT;
	json_t *object;

	if (facts->checkpoint.info == NULL || facts->store_error.kind != ERROR_NONE)
		return json_null();
	facts_predict_flags(facts, &facts->store, NULL, 0, &flags);
	object = json_object();
	if (facts_verdict(facts, &flags, &verdict, &why) == 0) {
		json_object_set_new(object, "accepted", json_boolean(verdict.accepted));
		json_object_set_new(object, "differs", slaveinfo_parts_to_json(verdict.differs));
		put(object, "message", verdict.message.len > 0 ? buffer_text(&verdict.message) : NULL);
	} else {
		json_object_set_new(object, "accepted", json_false());
		json_object_set_new(object, "differs", json_array());
		put(object, "message", why.text);
	}
	verdict_clear(&verdict);
	flags_clear(&flags);
	return object;
}

static json_t *tasks_to_json(const struct facts *facts, const bool alive[])
{
	const struct checkpoint_state *checkpoint = &facts->checkpoint;
	bool *docker = preflight_find_docker(facts);
	json_t *array = json_array();

	for (size_t i = 0; i < checkpoint->task_count; i++) {
		const struct checkpoint_task *task = &checkpoint->tasks[i];
		json_t *object;

		if (task->completed)
			continue;
		object = json_object();
		put(object, "framework", task->framework_id);
		put(object, "executor", task->executor_id);
		put(object, "container", task->container_id);
		put(object, "task", task->task_id);
		json_object_set_new(object, "executor_pid", json_integer(task->executor_pid));
		json_object_set_new(object, "alive", json_boolean(alive[i]));
		json_object_set_new(object, "checkpoint", json_boolean(task->framework_checkpoints));
		json_object_set_new(object, "docker", json_boolean(docker[i]));
		json_array_append_new(array, object);
	}
	free(docker);
	return array;
}

/* What the request of an operation says of who asked for it. */
static void add_origin(const struct journal_entry *entry, json_t *object)
{
	struct buffer bytes = BUFFER_INIT(JOURNAL_FILE_MAX);
	json_t *request = NULL;

	if (journal_get(entry, "request", &bytes, NULL) == 0)
		request = json_loadb(buffer_text(&bytes), bytes.len, 0, NULL);
	put(object, "run", json_string_value(json_object_get(request, "run")));
	put(object, "database", json_string_value(json_object_get(request, "database")));
	put(object, "chain_head", json_string_value(json_object_get(request, "chain_head")));
	json_object_set_new(object, "epoch", json_integer(json_integer_value(json_object_get(request, "epoch"))));
	json_decref(request);
	buffer_clear(&bytes);
}

static int add_operation(const struct journal_entry *entry, const struct operation_state *state, void *ctx)
{
	json_t *object = json_object();

	put(object, "operation", entry->id);
	put(object, "state", operation_step_name(state->step));
	put(object, "reason", state->reason[0] != '\0' ? state->reason : NULL);
	add_origin(entry, object);
	json_array_append_new(ctx, object);
	return 0;
}

static json_t *operations_to_json(const struct facts *facts)
{
	json_t *array = json_array();
	struct journal journal;

	journal_init(&journal, facts->host.root, facts->host.state_dir);
	journal_each(&journal, add_operation, array, NULL);
	journal_clear(&journal);
	return array;
}

/* What stands in the way of a restart, for whoever plans one. */
static void add_preflight(const struct facts *facts, json_t *object)
{
	struct findings findings = {.items = NULL, .count = 0};

	preflight_host(facts, &findings);
	json_object_set_new(object, "findings", findings_to_json(&findings));
	findings_clear(&findings);
}

static json_t *driver_to_json(const struct facts *facts)
{
	struct journal_epoch seen = {.epoch = 0};
	json_t *object = json_null();
	struct journal journal;

	journal_init(&journal, facts->host.root, facts->host.state_dir);
	if (journal_epoch_load(&journal, &seen, NULL) == 0 && seen.database[0] != '\0') {
		object = json_object();
		put(object, "database", seen.database);
		json_object_set_new(object, "epoch", json_integer(seen.epoch));
	}
	journal_clear(&journal);
	return object;
}

static int64_t at_least_nothing(int64_t ms)
{
	return ms > 0 ? ms : 0;
}

static json_t *life_to_json(const struct facts *facts, const bool alive[])
{
	struct life life;

	if (facts->running || facts->checkpoint.info == NULL)
		return json_null();
	life_read(facts, alive, &life);
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "tasks", (json_int_t)life.tasks, "alive", (json_int_t)life.alive,
			 "recovery_timeout_ms", (json_int_t)life.timeout_ms, "left_least_ms",
			 (json_int_t)at_least_nothing(life.left_least_ms), "left_most_ms",
			 (json_int_t)at_least_nothing(life.left_most_ms));
}

json_t *survey_to_json(const struct facts *facts)
{
	char digest[DIGEST_HEX_SIZE] = "";
	bool *alive = life_find_alive(&facts->checkpoint);
	struct utsname names;
	json_t *object = json_object();

	self_digest(digest, NULL);
	json_object_set_new(object, "format", json_integer(SURVEY_FORMAT));
	put(object, "agentctl", digest);
	put(object, "node", uname(&names) == 0 ? names.nodename : NULL);
	put(object, "boot_id", facts->boot_id);
	json_object_set_new(object, "time_ms", json_integer(clock_wall_ms()));
	put(object, "work_dir", facts->host.work_dir);
	json_object_set_new(object, "agent", agent_to_json(facts));
	json_object_set_new(object, "checkpoint", checkpoint_to_json(facts));
	json_object_set_new(object, "flag_store", store_to_json(facts));
	json_object_set_new(object, "control", control_to_json(facts));
	json_object_set_new(object, "detected", detected_to_json(&facts->detected));
	json_object_set_new(object, "reserved", resources_to_json(&facts->checkpoint.reserved));
	json_object_set_new(object, "verdict", verdict_to_json(facts));
	json_object_set_new(object, "tasks", tasks_to_json(facts, alive));
	json_object_set_new(object, "driver", driver_to_json(facts));
	json_object_set_new(object, "operations", operations_to_json(facts));
	json_object_set_new(object, "life", life_to_json(facts, alive));
	add_preflight(facts, object);
	free(alive);
	return object;
}
