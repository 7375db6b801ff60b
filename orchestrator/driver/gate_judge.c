/* SPDX-License-Identifier: Apache-2.0 */
/* Gates about the cluster, judged from a master's answer. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "orchestrator/driver/gate.h"

/* So many are named, the others are counted. */
#define NAMES_MAX 3
#define SEEN_MAX  4096
#define TEXT_MAX  65536

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

/* ---- words */

static const char *value_of(const char *name, size_t len, const struct gate_question *question)
{
	if (len == 8 && strncmp(name, "hostname", len) == 0)
		return question->hostname;
	if (len == 5 && strncmp(name, "agent", len) == 0)
		return question->agent_id;
	if (len == 2 && strncmp(name, "ip", len) == 0)
		return question->ip;
	return NULL;
}

char *gate_expand(const char *text, const struct gate_question *question)
{
	struct buffer out = BUFFER_INIT(TEXT_MAX);

	while (*text) {
		size_t plain = strcspn(text, "$");
		const char *end = strchr(text, '}'), *value = NULL;

		buffer_append(&out, text, plain);
		text += plain;
		if (*text && text[1] == '{' && end)
			value = value_of(text + 2, (size_t)(end - text) - 2, question);
		if (value)
			buffer_puts(&out, value);
		else if (*text)
			buffer_putc(&out, *text);
		text = value ? end + 1 : text + (*text != '\0');
	}
	return buffer_take(&out);
}

char *gate_sentence(const struct gate_question *question)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	char *sentence;

	plan_gate_text(question->gate, &text);
	sentence = gate_expand(buffer_text(&text), question);
	buffer_clear(&text);
	return sentence;
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
	return scene->waited_ms < PLAN_GATE_SETTLE_MS ? wait_a_little(&text) : conclude(&text, GATE_FAIL, answer, seen);
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
	return scene->waited_ms < PLAN_GATE_SETTLE_MS ? wait_a_little(&text) : conclude(&text, GATE_FAIL, answer, seen);
}

/* ---- launch */

static bool is_among(const struct plan_task *tasks, size_t count, const struct task_view *task)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(tasks[i].id, task->id) == 0 && strcmp(tasks[i].framework_id, task->framework_id) == 0)
			return true;
	return false;
}

static bool is_new(const struct before_picture *before, const struct task_view *task)
{
	return !is_among(before->tasks, before->task_count, task) &&
	       !is_among(before->others, before->other_count, task);
}

static bool is_any(const char *text, const char *const *names)
{
	while (*names && strcmp(*names, text) != 0)
		names++;
	return *names != NULL;
}

/* Whoever is done has run. */
static bool has_run(const struct before_picture *before, const struct task_view *task)
{
	static const char *const states[] = {"TASK_RUNNING", "TASK_FINISHED", NULL};

	(void)before;
	return is_any(task->state, states);
}

/* Ended, and not because its own command said so: that one was launched, and its failure is its own. Without a list of what had
 * ended before, an old failure would be taken for a new one. */
static bool was_not_launched(const struct before_picture *before, const struct task_view *task)
{
	static const char *const states[] = {"TASK_FAILED", "TASK_ERROR", "TASK_DROPPED", "TASK_LOST", NULL};

	return before->knows_others && is_any(task->state, states) &&
	       strcmp(task->reason ? task->reason : "", "REASON_COMMAND_EXECUTOR_FAILED") != 0;
}

/* NULL: none of what is new on any of the agents is so. */
static const struct task_view *find_new_task(const struct gate_scene *scene,
					     bool (*is_so)(const struct before_picture *before,
							   const struct task_view *task))
{
	for (size_t i = 0; i < scene->changed_count; i++) {
		const struct gate_agent *agent = &scene->changed[i];
		const struct task_view *task;
		uint32_t place = 0;

		while ((task = snapshot_index_task(scene->index, agent->id, &place)))
			if (is_so(agent->before, task) && is_new(agent->before, task))
				return task;
	}
	return NULL;
}

/* One that could not be launched outweighs those that could. That nobody wanted to launch anything says nothing of the agents. */
static bool judge_launch(const struct plan_gate *gate, const struct gate_scene *scene, enum gate_answer *answer,
			 char **seen)
{
	const struct task_view *failed = find_new_task(scene, was_not_launched), *runs = find_new_task(scene, has_run);
	struct buffer text = BUFFER_INIT(SEEN_MAX);
	char span[CLOCK_TEXT_MAX];

	if (failed) {
		buffer_printf(&text, "task %s was to be launched on agent %s since, and is %s%s%s", failed->id,
			      failed->agent_id, failed->state, failed->reason && *failed->reason ? ", " : "",
			      failed->reason ? failed->reason : "");
		return conclude(&text, GATE_FAIL, answer, seen);
	}
	if (runs) {
		buffer_printf(&text, "task %s was launched on agent %s since, and %s", runs->id, runs->agent_id,
			      strcmp(runs->state, "TASK_RUNNING") == 0 ? "runs" : "has run");
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
