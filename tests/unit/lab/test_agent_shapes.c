/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's operator API and metrics, member by member as a real agent answers. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "lab/agent/agent.h"
#include "mesos/pb.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

#define AGENT     "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S2"
#define FRAMEWORK "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-0003"
#define RUN       "executors/ck3/runs/4dc15243-3059-4c60-803f-e1b2992b8272"

static void *sample(const char *path, const ProtobufCMessageDescriptor *descriptor)
{
	char *name = xasprintf("mesos/captured/agent-meta-2/slaves/" AGENT "/%s", path), *full = test_data(name);
	size_t len;
	char *data = scratch_read(full, &len);
	void *message = pb_unpack(descriptor, data + 4, len - 4);
	assert_non_null(message);
	free(data);
	free(full);
	free(name);
	return message;
}

/* The statuses of a running task, from its task.updates: two records of update and acknowledgement. */
static void add_statuses(Mesos__Task *task)
{
	char *full = test_data("mesos/captured/agent-meta-2/slaves/" AGENT "/frameworks/" FRAMEWORK "/" RUN
			       "/tasks/ck3/task.updates");
	size_t len;
	char *data = scratch_read(full, &len);
	for (size_t at = 0; at + 4 <= len;) {
		uint32_t size;
		memcpy(&size, data + at, 4);
		Mesos__StatusUpdateRecord *record = pb_unpack(&mesos__status_update_record__descriptor, data + at + 4,
							      size);
		assert_non_null(record);
		if (record->update != NULL) {
			Mesos__TaskStatus *status = pb_copy(record->update->status);
			PB_APPEND(task->statuses, task->n_statuses, status);
			task->state = status->state;
		}
		pb_free(record);
		at += 4 + size;
	}
	const Mesos__TaskStatus *last = task->statuses[task->n_statuses - 1];
	task->has_status_update_state = task->has_status_update_uuid = true;
	task->status_update_state = last->state;
	task->status_update_uuid.len = last->uuid.len;
	task->status_update_uuid.data = xmemdup(last->uuid.data, last->uuid.len);
	free(data);
	free(full);
}

static int make_agent(void **state)
{
	struct agent *agent = xcalloc(1, sizeof(*agent));
	struct agent_task *task = xcalloc(1, sizeof(*task));
	agent->release.version = mesos_version_newest;
	snprintf(agent->version_text, sizeof(agent->version_text), "1.12.0");
	agent->phase = AGENT_REGISTERED;
	agent->info = sample("slave.info", &mesos__slave_info__descriptor);
	task->agent = agent;
	task->framework = sample("frameworks/" FRAMEWORK "/framework.info", &mesos__framework_info__descriptor);
	task->executor = sample("frameworks/" FRAMEWORK "/executors/ck3/executor.info",
				&mesos__executor_info__descriptor);
	task->task = sample("frameworks/" FRAMEWORK "/" RUN "/tasks/ck3/task.info", &mesos__task__descriptor);
	add_statuses(task->task);
	agent->tasks = task;
	*state = agent;
	return 0;
}

static int free_agent(void **state)
{
	struct agent *agent = *state;
	agent_task_free(agent->tasks);
	slaveinfo_free(agent->info);
	free(agent);
	return 0;
}

static struct agent_reply ask(const struct agent *agent, struct agent_call call)
{
	struct agent_reply reply = {.status = 200, .body = BUFFER_INIT(AGENT_WEB_REPLY_MAX)};
	call.body_len = strlen(call.body);
	agent_answer_api(agent, &call, &reply);
	return reply;
}

static json_t *ask_for(const struct agent *agent, const char *type)
{
	char *body = xasprintf("{\"type\":\"%s\",\"get_metrics\":{}}", type);
	struct agent_reply reply = ask(
		agent,
		(struct agent_call){.method = "POST", .body = body, .content_type = "application/json", .accept = ""});
	assert_int_equal(reply.status, 200);
	json_t *answer = json_loadb(reply.body.data, reply.body.len, 0, NULL);
	assert_non_null(answer);
	assert_string_equal(json_string_value(json_object_get(answer, "type")), type);
	buffer_clear(&reply.body);
	free(body);
	return answer;
}

/* Members that depend on what an agent has, and not on who answers. */
static bool is_optional(const char *key)
{
	static const char *const names[] = {"domain",       "ranges",    "set",          "scalar", "text",
					    "reservations", "resources", "capabilities", "role",   "attributes",
					    "labels",       "roles",     "protocol"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], key) == 0)
			return true;
	}
	return false;
}

static void compare(const json_t *ours, const json_t *theirs, const char *place)
{
	const char *key;
	json_t *value;
	if (json_is_array(theirs) && json_array_size(theirs) > 0 && json_array_size(ours) > 0) {
		compare(json_array_get(ours, 0), json_array_get(theirs, 0), place);
		return;
	}
	bool alike = (json_is_number(ours) && json_is_number(theirs)) ||
		     (json_is_boolean(ours) && json_is_boolean(theirs));
	if (json_typeof(ours) != json_typeof(theirs) && !alike)
		fail_msg("%s has another type", place);
	json_object_foreach((json_t *)(uintptr_t)theirs, key, value)
	{
		char *inside = xasprintf("%s.%s", place, key);
		const json_t *other = json_object_get(ours, key);
		if (other != NULL)
			compare(other, value, inside);
		else if (!is_optional(key))
			fail_msg("%s is missing", inside);
		free(inside);
	}
	json_object_foreach((json_t *)(uintptr_t)ours, key, value)
	{
		if (json_object_get(theirs, key) == NULL && !is_optional(key))
			fail_msg("%s.%s is ours alone", place, key);
	}
}

static void calls_have_the_members_of_the_real_ones(void **state)
{
	static const char *const types[] = {"GET_AGENT", "GET_TASKS", "GET_STATE"};
	for (size_t i = 0; i < 3; i++) {
		char *name = xasprintf("mesos/captured/agent-v1-%s.json", types[i]), *path = test_data(name);
		struct error err = ERROR_INIT;
		json_t *theirs = json_read_file(path, 1u << 20, &err), *ours = ask_for(*state, types[i]);
		assert_non_null(theirs);
		compare(ours, theirs, types[i]);
		json_decref(theirs);
		json_decref(ours);
		free(path);
		free(name);
	}
}

static void a_task_is_shown_with_its_latest_status(void **state)
{
	json_t *answer = ask_for(*state, "GET_TASKS");
	const json_t *task = json_array_get(json_object_get(json_object_get(answer, "get_tasks"), "launched_tasks"), 0);
	assert_string_equal(json_string_value(json_object_get(task, "state")), "TASK_RUNNING");
	assert_string_equal(json_string_value(json_object_get(task, "status_update_state")), "TASK_RUNNING");
	assert_non_null(json_object_get(task, "agent_id"));
	assert_null(json_object_get(task, "slave_id"));
	json_decref(answer);
}

static size_t shown(const json_t *answer, const char *member, const char *list)
{
	return json_array_size(json_object_get(json_object_get(answer, member), list));
}

static void what_has_ended_is_shown_as_such(void **state)
{
	struct agent *agent = *state;
	struct agent_task *task = agent->tasks;
	agent->tasks = NULL;
	task->task->state = MESOS__TASK_STATE__TASK_KILLED;
	agent_task_complete(agent, task);
	json_t *tasks = ask_for(agent, "GET_TASKS"), *executors = ask_for(agent, "GET_EXECUTORS");
	json_t *frameworks = ask_for(agent, "GET_FRAMEWORKS");
	assert_int_equal(shown(tasks, "get_tasks", "launched_tasks"), 0);
	assert_int_equal(shown(tasks, "get_tasks", "completed_tasks"), 1);
	assert_int_equal(shown(executors, "get_executors", "executors"), 0);
	assert_int_equal(shown(executors, "get_executors", "completed_executors"), 1);
	assert_int_equal(shown(frameworks, "get_frameworks", "frameworks"), 0);
	assert_int_equal(shown(frameworks, "get_frameworks", "completed_frameworks"), 1);
	assert_ptr_equal(agent_task_find_completed(agent, task->framework->id->value, task->task->task_id->value),
			 task);
	agent->completed = NULL;
	agent->tasks = task;
	json_decref(tasks);
	json_decref(executors);
	json_decref(frameworks);
}

/* Of a framework only so many are kept: the oldest goes. */
static void only_so_many_are_kept(void **state)
{
	struct agent *agent = *state;
	const struct agent_task *model = agent->tasks;
	flags_set(&agent->flags, "max_completed_executors_per_framework", "2");
	for (int i = 0; i < 3; i++) {
		struct agent_task *task = xcalloc(1, sizeof(*task));
		*task = (struct agent_task){.agent = agent,
					    .framework = pb_copy(model->framework),
					    .executor = pb_copy(model->executor),
					    .task = pb_copy(model->task)};
		free(task->task->task_id->value);
		task->task->task_id->value = xasprintf("t%d", i);
		agent_task_complete(agent, task);
	}
	assert_string_equal(agent->completed->task->task_id->value, "t2");
	assert_string_equal(agent->completed->next->task->task_id->value, "t1");
	assert_null(agent->completed->next->next);
	agent_task_free(agent->completed->next);
	agent_task_free(agent->completed);
	agent->completed = NULL;
	flags_clear(&agent->flags);
}

/* Told to frameworks that know partitions that the task is gone, as soon as it is about to be killed. */
static void the_end_of_a_task_says_that_its_agent_is_drained(void **state)
{
	struct agent *agent = *state;
	Mesos__DrainInfo__Config *drain = pb_new(&mesos__drain_info__config__descriptor);
	Mesos__TaskStatus status = MESOS__TASK_STATUS__INIT;
	status.state = MESOS__TASK_STATE__TASK_KILLING;
	agent_drain_mark(agent->tasks, &status);
	assert_false(status.has_reason);
	agent->drain = drain;
	agent_drain_mark(agent->tasks, &status);
	assert_int_equal(status.reason, MESOS__TASK_STATUS__REASON__REASON_SLAVE_DRAINING);
	assert_int_equal(status.state, MESOS__TASK_STATE__TASK_KILLING);
	status.state = MESOS__TASK_STATE__TASK_FAILED;
	status.has_reason = false;
	agent_drain_mark(agent->tasks, &status);
	assert_false(status.has_reason);
	json_t *answer = ask_for(agent, "GET_AGENT");
	assert_non_null(json_object_get(json_object_get(answer, "get_agent"), "drain_config"));
	json_decref(answer);
	agent->drain = NULL;
	pb_free(drain);
}

static void metrics_are_those_of_a_real_agent(void **state)
{
	char *path = test_data("mesos/captured/agent-metrics-snapshot.json");
	json_t *theirs = json_load_file(path, 0, NULL), *ours = agent_metrics(*state), *value;
	const char *key;
	assert_non_null(theirs);
	json_object_foreach(theirs, key, value)
	{
		if (!json_is_real(json_object_get(ours, key)))
			fail_msg("%s is missing", key);
	}
	assert_int_equal(json_object_size(ours), json_object_size(theirs));
	assert_float_equal(json_real_value(json_object_get(ours, "slave/tasks_running")), 1, 0);
	assert_float_equal(json_real_value(json_object_get(ours, "slave/registered")), 1, 0);
	json_decref(theirs);
	json_decref(ours);
	free(path);
}

static void all_calls_are_answered(void **state)
{
	static const char *const types[] = {"GET_FLAGS",   "GET_VERSION",   "GET_HEALTH",
					    "GET_METRICS", "GET_EXECUTORS", "GET_FRAMEWORKS"};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		json_decref(ask_for(*state, types[i]));
}

static void refused(const struct agent *agent, struct agent_call call, int status, const char *words)
{
	struct agent_reply reply = ask(agent, call);
	assert_int_equal(reply.status, status);
	assert_text_has(buffer_text(&reply.body), words);
	buffer_clear(&reply.body);
}

static void what_is_no_call_is_refused(void **state)
{
	struct agent_call call = {.method = "GET", .body = "", .content_type = "", .accept = ""};
	refused(*state, call, 405, "POST");
	call.method = "POST";
	refused(*state, call, 400, "Content-Type");
	call.content_type = "text/plain";
	refused(*state, call, 415, "application/json");
	call.content_type = "application/json";
	refused(*state, call, 400, "parse");
	call.body = "{}";
	refused(*state, call, 400, "Expecting 'type' to be present");
	call.body = "{\"type\":\"GET_METRICS\"}";
	refused(*state, call, 400, "Expecting 'get_metrics' to be present");
	call.body = "{\"type\":\"LAUNCH_CONTAINER\"}";
	refused(*state, call, 501, "calls that read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_have_the_members_of_the_real_ones, make_agent, free_agent),
		cmocka_unit_test_setup_teardown(a_task_is_shown_with_its_latest_status, make_agent, free_agent),
		cmocka_unit_test_setup_teardown(what_has_ended_is_shown_as_such, make_agent, free_agent),
		cmocka_unit_test_setup_teardown(only_so_many_are_kept, make_agent, free_agent),
		cmocka_unit_test_setup_teardown(the_end_of_a_task_says_that_its_agent_is_drained, make_agent,
						free_agent),
		cmocka_unit_test_setup_teardown(metrics_are_those_of_a_real_agent, make_agent, free_agent),
		cmocka_unit_test_setup_teardown(all_calls_are_answered, make_agent, free_agent),
		cmocka_unit_test_setup_teardown(what_is_no_call_is_refused, make_agent, free_agent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
