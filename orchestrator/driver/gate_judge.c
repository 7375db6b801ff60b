/* SPDX-License-Identifier: Apache-2.0 */
/* Gates about the cluster, judged from a master's answer. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "orchestrator/driver/gate.h"

/* An agent that reconnects and a task that is being moved are no failures yet: what is wrong for so long is. */
#define SETTLE_MS 10000
/* So many are named, the others are counted. */
#define NAMES_MAX 3
#define SEEN_MAX  4096

const char *gate_answer_name(enum gate_answer answer)
{
	static const char *const names[] = {
		[GATE_PASS] = "pass", [GATE_FAIL] = "fail", [GATE_INCONCLUSIVE] = "inconclusive"};

	return names[answer];
}

bool gate_is_outside(const struct plan_gate *gate)
{
	return gate->kind == GATE_COMMAND || gate->kind == GATE_HTTP || gate->kind == GATE_METRIC;
}

static bool conclude(struct buffer *text, enum gate_answer is, enum gate_answer *answer, char **seen)
{
	*answer = is;
	*seen = buffer_take(text);
	buffer_clear(text);
	return true;
}

static bool wait_a_little(struct buffer *text)
{
	buffer_clear(text);
	return false;
}

/* ---- unreachable */

static bool judge_unreachable(const struct plan_gate *gate, const struct gate_scene *scene, enum gate_answer *answer,
			      char **seen)
{
	struct buffer text = BUFFER_INIT(SEEN_MAX), names = BUFFER_INIT(SEEN_MAX);
	size_t missing_count;
	const char *const *missing = snapshot_index_missing(scene->index, scene->before, &missing_count);
	int64_t count = 0;

	for (size_t i = 0; i < missing_count; i++) {
		if (scene->is_ours(scene->ctx, missing[i]))
			continue;
		if (count++ < NAMES_MAX)
			buffer_printf(&names, "%s%s", count == 1 ? ": " : ", ", missing[i]);
	}
	buffer_printf(&text, "%lld agent%s not active that %s when the run began, %lld may be%s%s", (long long)count,
		      count == 1 ? " is" : "s are", count == 1 ? "was" : "were", (long long)gate->max_new,
		      buffer_text(&names), count > NAMES_MAX ? ", \u2026" : "");
	buffer_clear(&names);
	if (count <= gate->max_new)
		return conclude(&text, GATE_PASS, answer, seen);
	return scene->waited_ms < SETTLE_MS ? wait_a_little(&text) : conclude(&text, GATE_FAIL, answer, seen);
}

/* ---- tasks */

static bool judge_tasks(const struct plan_gate *gate, const struct gate_scene *scene, enum gate_answer *answer,
			char **seen)
{
	struct buffer text = BUFFER_INIT(SEEN_MAX);
	int64_t before = figures_running_before(scene->before, gate->framework);
	int64_t now = snapshot_index_running(scene->index, gate->framework);

	if (before == 0) {
		buffer_printf(&text, "framework %s ran no task when the run began: there is nothing to compare with",
			      gate->framework);
		return conclude(&text, GATE_INCONCLUSIVE, answer, seen);
	}
	buffer_printf(&text, "framework %s runs %lld tasks, %lld when the run began; at least %d%% must be running",
		      gate->framework, (long long)now, (long long)before, gate->min_percent);
	if (now * 100 >= before * gate->min_percent)
		return conclude(&text, GATE_PASS, answer, seen);
	return scene->waited_ms < SETTLE_MS ? wait_a_little(&text) : conclude(&text, GATE_FAIL, answer, seen);
}

/* ---- launch */

static bool was_there(const struct before_picture *before, const struct task_view *task)
{
	for (size_t i = 0; i < before->task_count; i++)
		if (strcmp(before->tasks[i].id, task->id) == 0 &&
		    strcmp(before->tasks[i].framework_id, task->framework_id) == 0)
			return true;
	return false;
}

/* NULL: none runs there that did not before. */
static const struct task_view *find_new_task(const struct gate_scene *scene, const struct gate_agent *agent)
{
	const struct task_view *task;
	uint32_t place = 0;

	while ((task = snapshot_index_task(scene->index, agent->id, &place)))
		if (strcmp(task->state, "TASK_RUNNING") == 0 && !was_there(agent->before, task))
			return task;
	return NULL;
}

/* It has no way to fail: that nobody wanted to launch anything says nothing of the agents. */
static bool judge_launch(const struct plan_gate *gate, const struct gate_scene *scene, enum gate_answer *answer,
			 char **seen)
{
	struct buffer text = BUFFER_INIT(SEEN_MAX);
	char span[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < scene->changed_count; i++) {
		const struct task_view *task = find_new_task(scene, &scene->changed[i]);

		if (!task)
			continue;
		buffer_printf(&text, "task %s was started on agent %s and runs", task->id, task->agent_id);
		return conclude(&text, GATE_PASS, answer, seen);
	}
	if (scene->waited_ms < gate->within_ms)
		return wait_a_little(&text);
	buffer_printf(&text, "no new task has reached TASK_RUNNING on %s within %s; perhaps nobody wanted to start one",
		      scene->changed_count == 1 ? "the agent" : "any of the agents",
		      clock_format_span(gate->within_ms, span));
	return conclude(&text, GATE_INCONCLUSIVE, answer, seen);
}

bool gate_judge(const struct plan_gate *gate, const struct gate_scene *scene, enum gate_answer *answer, char **seen)
{
	switch (gate->kind) {
	case GATE_UNREACHABLE:
		return judge_unreachable(gate, scene, answer, seen);
	case GATE_TASKS:
		return judge_tasks(gate, scene, answer, seen);
	case GATE_LAUNCH:
		return judge_launch(gate, scene, answer, seen);
	case GATE_COMMAND:
	case GATE_HTTP:
	case GATE_METRIC:
		break;
	}
	*answer = GATE_INCONCLUSIVE;
	*seen = xstrdup("this gate is not judged from the master's answers");
	return true;
}
