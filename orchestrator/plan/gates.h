/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLAN_GATES_H
#define ORCHESTRATOR_PLAN_GATES_H
/*
 * Gates: questions that are asked after each agent and after each stage, before the run goes on. The operator writes them in a file,
 * the plan holds them, the driver asks them. Three answers: pass; fail; and inconclusive, which pauses the run.
 *
 *   {"after_agent": [{"kind": "command", "argv": ["/usr/local/bin/check", "${hostname}"], "timeout": "30secs"},
 *                    {"kind": "http", "url": "http://${hostname}:8080/health", "timeout": "10secs", "status": 200}],
 *    "after_stage": [{"kind": "unreachable", "max_new": 0},
 *                    {"kind": "tasks", "framework": "marathon", "min_percent": 95},
 *                    {"kind": "launch", "within": "5mins"},
 *                    {"kind": "metric", "name": "master/tasks_lost", "max": 3}]}
 *
 * A command is an argument list, never a shell. ${hostname}, ${agent} (its ID) and ${ip} name the agent, so only gates after an
 * agent may use them. schema/gates.schema.json says the same.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"

enum plan_gate_kind { GATE_COMMAND, GATE_HTTP, GATE_UNREACHABLE, GATE_TASKS, GATE_LAUNCH, GATE_METRIC };
/* "command", "http", "unreachable", "tasks", "launch", "metric" */
const char *plan_gate_kind_name(enum plan_gate_kind kind);

struct plan_gate {
	enum plan_gate_kind kind;
	char **argv; /* command: NULL-terminated; ${…} not yet replaced */
	size_t argc;
	char *url;          /* http; ${…} not yet replaced */
	int status;         /* http: the answer that passes; 0: any 2xx */
	int64_t timeout_ms; /* command, http, metric */
	int64_t max_new;    /* unreachable: so many agents more than when the run began still pass */
	char *framework;    /* tasks: its ID or name */
	int min_percent;    /* tasks: of those running when the run began, 1..100 */
	int64_t within_ms;  /* launch */
	char *metric;       /* metric: its name in the master's /metrics/snapshot */
	bool has_max, has_min;
	double max, min;
};

struct plan_gates {
	struct plan_gate *items;
	size_t count;
};
void plan_gates_clear(struct plan_gates *gates);

/* More gates than anybody would wait for. */
#define GATES_MAX      64
#define GATES_FILE_MAX (1u << 20)

/* ERROR_USAGE names the place ("gates.json: after_agent[0].argv"). */
int plan_gates_from_json(const json_t *document, const struct json_place *place, struct plan_gates *after_agent,
			 struct plan_gates *after_stage, struct error *err);
/* In the form a plan holds: every default written out, durations in milliseconds ("30000ms"). Reading it gives the same gates. */
json_t *plan_gates_to_json(const struct plan_gates *after_agent, const struct plan_gates *after_stage);
int plan_gates_read(const char *path, struct plan_gates *after_agent, struct plan_gates *after_stage,
		    struct error *err);

/* An agent that reconnects and a task that is being moved are no failures yet: what is wrong at the master for so long is. */
#define PLAN_GATE_SETTLE_MS 10000

/* The longest that all of them may take, one after the other; 0 without any. */
int64_t plan_gates_longest_ms(const struct plan_gates *gates);

/* True or not in every answer of the master, so that the next one settles it when nothing is wrong: unreachable and tasks. How
 * long the others take nobody knows. */
bool plan_gate_is_prompt(const struct plan_gate *gate);

/* One gate as a sentence: "/usr/local/bin/check node1 exits with 0 within 30 s". */
void plan_gate_text(const struct plan_gate *gate, struct buffer *out);

#endif
