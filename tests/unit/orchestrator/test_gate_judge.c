/* SPDX-License-Identifier: Apache-2.0 */
/* Gates about the cluster, judged from what the master shows, and the figures they compare with. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/driver/gate.h"

#define TASKS_MAX 16

/* A cluster of six agents, S0 to S5, with a framework that has a name. */
struct cluster {
	struct agent_view agents[6];
	struct task_view tasks[TASKS_MAX];
	struct framework_view frameworks[2];
	struct master_snapshot snapshot;
	struct figures before;
	const char *ours; /* the agent that this run has away */
};

static void set_up(struct cluster *cluster)
{
	static const char *const ids[] = {"S0", "S1", "S2", "S3", "S4", "S5"};

	memset(cluster, 0, sizeof(*cluster));
	for (size_t i = 0; i < 6; i++)
		cluster->agents[i] = (struct agent_view){
			.id = (char *)(uintptr_t)ids[i], .hostname = (char *)(uintptr_t) "host", .active = true};
	cluster->agents[5].active = false; /* already away when the run began */
	cluster->frameworks[0] = (struct framework_view){.id = (char *)(uintptr_t) "F-0",
							 .name = (char *)(uintptr_t) "web"};
	cluster->frameworks[1] = (struct framework_view){.id = (char *)(uintptr_t) "F-1",
							 .name = (char *)(uintptr_t) "idle"};
	cluster->snapshot = (struct master_snapshot){.agents = cluster->agents,
						     .agent_count = 6,
						     .tasks = cluster->tasks,
						     .frameworks = cluster->frameworks,
						     .framework_count = 2,
						     .facts = {.id = (char *)(uintptr_t) "M1"}};
}

static void add_task(struct cluster *cluster, const char *id, const char *agent, const char *state)
{
	cluster->tasks[cluster->snapshot.task_count++] = (struct task_view){.id = (char *)(uintptr_t)id,
									    .framework_id = (char *)(uintptr_t) "F-0",
									    .agent_id = (char *)(uintptr_t)agent,
									    .state = (char *)(uintptr_t)state};
}

static bool is_ours(void *ctx, const char *id)
{
	const struct cluster *cluster = ctx;

	return cluster->ours && strcmp(cluster->ours, id) == 0;
}

/* "" : to be looked at again; else the answer's name. What was seen must hold the words. */
static void expect(struct cluster *cluster, const struct plan_gate *gate, int64_t waited_ms, const char *wanted,
		   const char *words)
{
	struct plan_task old = {.id = (char *)(uintptr_t) "old", .framework_id = (char *)(uintptr_t) "F-0"};
	struct plan_task ended = {.id = (char *)(uintptr_t) "ended", .framework_id = (char *)(uintptr_t) "F-0"};
	struct before_picture picture = {
		.tasks = &old, .task_count = 1, .knows_others = true, .others = &ended, .other_count = 1};
	const struct gate_agent changed = {.id = "S1", .before = &picture};
	struct snapshot_index index;
	const struct gate_scene scene = {
		.before = &cluster->before,
		.index = &index,
		.waited_ms = waited_ms,
		.changed = &changed,
		.changed_count = 1,
		.is_ours = is_ours,
		.ctx = cluster,
	};
	enum gate_answer answer = GATE_PASS;
	char *seen = NULL;
	snapshot_index_init(&index, &cluster->snapshot);
	bool judged = gate_judge(gate, &scene, &answer, &seen);
	snapshot_index_clear(&index);
	assert_string_equal(judged ? gate_answer_name(answer) : "", wanted);
	if (judged)
		assert_text_has(seen, words);
	free(seen);
}

static void test_unreachable(void **state)
{
	struct plan_gate gate = {.kind = GATE_UNREACHABLE, .max_new = 0};
	struct cluster cluster;

	(void)state;
	set_up(&cluster);
	figures_take(&cluster.snapshot, &cluster.before);
	expect(&cluster, &gate, 0, "pass", "0 agents");
	cluster.agents[2].active = false;
	expect(&cluster, &gate, 0, "", "");
	expect(&cluster, &gate, 10000, "fail", "S2");
	cluster.agents[2].deactivated = true; /* by somebody; it is there */
	expect(&cluster, &gate, 10000, "pass", "");
	cluster.agents[2].deactivated = false;
	cluster.ours = "S2";
	expect(&cluster, &gate, 10000, "pass", "");
	cluster.ours = NULL;
	gate.max_new = 1;
	expect(&cluster, &gate, 0, "pass", "1 agent is not active");
	/* One that is not even listed any more counts as well. */
	cluster.snapshot.agent_count = 4;
	expect(&cluster, &gate, 10000, "fail", "2 agents are");
	figures_clear(&cluster.before);
}

static void test_tasks(void **state)
{
	struct plan_gate gate = {.kind = GATE_TASKS, .framework = (char *)(uintptr_t) "web", .min_percent = 75};
	struct cluster cluster;

	(void)state;
	set_up(&cluster);
	for (int i = 0; i < 4; i++)
		add_task(&cluster, "t", "S1", "TASK_RUNNING");
	figures_take(&cluster.snapshot, &cluster.before);
	expect(&cluster, &gate, 0, "pass", "4 tasks, 4 when");
	cluster.snapshot.task_count = 3;
	expect(&cluster, &gate, 0, "pass", "3 tasks");
	cluster.tasks[0].state = (char *)(uintptr_t) "TASK_STAGING";
	expect(&cluster, &gate, 0, "", "");
	expect(&cluster, &gate, 10000, "fail", "2 tasks, 4 when the run began; at least 75%");
	gate.framework = (char *)(uintptr_t) "F-0"; /* by ID */
	expect(&cluster, &gate, 10000, "fail", "2 tasks");
	gate.framework = (char *)(uintptr_t) "idle";
	expect(&cluster, &gate, 0, "inconclusive", "nothing to compare");
	gate.framework = (char *)(uintptr_t) "unheard of";
	expect(&cluster, &gate, 0, "inconclusive", "nothing to compare");
	figures_clear(&cluster.before);
}

static void test_launch(void **state)
{
	struct plan_gate gate = {.kind = GATE_LAUNCH, .within_ms = 60000};
	struct cluster cluster;

	(void)state;
	set_up(&cluster);
	figures_take(&cluster.snapshot, &cluster.before);
	add_task(&cluster, "old", "S1", "TASK_RUNNING");
	add_task(&cluster, "ended", "S1", "TASK_FAILED");
	add_task(&cluster, "elsewhere", "S2", "TASK_RUNNING");
	add_task(&cluster, "broken elsewhere", "S2", "TASK_FAILED");
	add_task(&cluster, "new", "S1", "TASK_STARTING");
	expect(&cluster, &gate, 59999, "", "");
	expect(&cluster, &gate, 60000, "inconclusive", "no new task");
	cluster.tasks[4].state = (char *)(uintptr_t) "TASK_RUNNING";
	expect(&cluster, &gate, 0, "pass", "task new was launched on agent S1 since, and runs");
	cluster.tasks[4].state = (char *)(uintptr_t) "TASK_FINISHED";
	expect(&cluster, &gate, 0, "pass", "has run");
	figures_clear(&cluster.before);
}

static void test_a_launch_that_fails(void **state)
{
	static const char *const failed[] = {"TASK_FAILED", "TASK_ERROR", "TASK_DROPPED", "TASK_LOST"};
	struct plan_gate gate = {.kind = GATE_LAUNCH, .within_ms = 60000};
	struct cluster cluster;

	(void)state;
	set_up(&cluster);
	figures_take(&cluster.snapshot, &cluster.before);
	add_task(&cluster, "new", "S1", "");
	for (size_t i = 0; i < sizeof(failed) / sizeof(failed[0]); i++) {
		cluster.tasks[0].state = (char *)(uintptr_t)failed[i];
		expect(&cluster, &gate, 0, "fail", failed[i]);
	}
	/* It ran, and its own command ended it. */
	cluster.tasks[0].state = (char *)(uintptr_t) "TASK_FAILED";
	cluster.tasks[0].reason = (char *)(uintptr_t) "REASON_COMMAND_EXECUTOR_FAILED";
	expect(&cluster, &gate, 0, "", "");
	cluster.tasks[0].reason = (char *)(uintptr_t) "REASON_CONTAINER_LAUNCH_FAILED";
	expect(&cluster, &gate, 0, "fail", "TASK_FAILED, REASON_CONTAINER_LAUNCH_FAILED");
	/* Another that runs does not make that good; somebody killed is neither. */
	add_task(&cluster, "other", "S1", "TASK_RUNNING");
	expect(&cluster, &gate, 0, "fail", "task new was to be launched on agent S1");
	cluster.tasks[0].state = (char *)(uintptr_t) "TASK_KILLED";
	expect(&cluster, &gate, 0, "pass", "task other");
	figures_clear(&cluster.before);
}

static void test_a_gate_is_said_about_its_agent(void **state)
{
	char *argv[] = {(char *)(uintptr_t) "/bin/check", (char *)(uintptr_t) "${hostname}",
			(char *)(uintptr_t) "${agent}", (char *)(uintptr_t) "${other}"};
	struct plan_gate gate = {.kind = GATE_COMMAND, .argv = argv, .argc = 4, .timeout_ms = 5000};
	struct gate_question question = {.gate = &gate, .hostname = "node1", .agent_id = "S1"};
	char *text = gate_sentence(&question);

	(void)state;
	assert_string_equal(text, "/bin/check node1 S1 ${other} exits with 0 within 5.0 s");
	free(text);
}

static void test_figures_are_kept(void **state)
{
	struct error err = ERROR_INIT;
	struct cluster cluster;
	struct figures again;
	json_t *document;
	char *text;

	(void)state;
	set_up(&cluster);
	add_task(&cluster, "t", "S1", "TASK_RUNNING");
	figures_take(&cluster.snapshot, &cluster.before);
	document = figures_to_json(&cluster.before);
	text = json_dumps(document, 0);
	assert_ok(figures_from_json(text, &again, &err), &err);
	assert_string_equal(again.master_id, "M1");
	assert_int_equal(again.agents, 6);
	assert_int_equal(again.present_count, 5);
	assert_string_equal(again.present[4], "S4");
	assert_int_equal(figures_running_before(&again, "web"), 1);
	figures_clear(&again);
	free(text);
	json_decref(document);
	figures_clear(&cluster.before);
}

static void test_damaged_figures_are_refused(void **state)
{
	static const char *const damaged[] = {"",
					      "{",
					      "[]",
					      "{\"agents\": 3}",
					      "{\"master\": \"M\", \"present\": [1]}",
					      "{\"master\": \"M\", \"frameworks\": [{\"id\": \"F\"}]}"};
	struct error err = ERROR_INIT;
	struct figures figures;

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		assert_int_equal(figures_from_json(damaged[i], &figures, &err), -1);
		assert_error(&err, ERROR_CORRUPT, "figures");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_launch),
		cmocka_unit_test(test_a_launch_that_fails),
		cmocka_unit_test(test_a_gate_is_said_about_its_agent),
		cmocka_unit_test(test_figures_are_kept),
		cmocka_unit_test(test_damaged_figures_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
