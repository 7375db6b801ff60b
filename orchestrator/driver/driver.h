/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_DRIVER_H
#define ORCHESTRATOR_DRIVER_H
/*
 * The loop of a run. One thread: drain events → engine_step → one ledger commit → perform the effects. Nothing else
 * performs effects, so every intent is durable before its effect. The simulator gives it other backends, nothing else.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "orchestrator/driver/gate.h"
#include "orchestrator/engine/engine.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/plan/plan.h"
#include "remote/master.h"
#include "remote/transport.h"

struct driver_backends {
	struct ledger *ledger;
	struct transport *transport;
	struct master_source *master;
	int64_t (*monotonic_ms)(void *ctx);
	int64_t (*wall_ms)(void *ctx);
	/* Until something happened, at most so long. Returns -1 when this process is to die here (simulator only). */
	int (*wait)(void *ctx, int64_t timeout_ms);
	/* 0: go on; 1: finish what is under way and stop; 2: leave now. */
	int (*interrupts)(void *ctx);
	void (*random_id)(void *ctx, char out[RANDOM_ID_SIZE]);
	/* Gates that reach outside (gate_is_outside). gate_start never answers from inside; a cancelled question has no answer.
	 * gate_start NULL: they are all inconclusive. */
	void (*gate_start)(void *ctx, uint64_t tag, const struct gate_question *question);
	bool (*gate_next)(void *ctx, struct gate_result *out);
	void (*gate_cancel)(void *ctx, uint64_t tag);
	bool adopt;   /* hosts may be taken over from another database */
	bool settles; /* only what is open is settled: nothing starts, and the run keeps its state and its end */
	void *ctx;
};

/* Told after every commit, for live progress and plain lines. */
struct driver_observer {
	void (*agent)(void *ctx, const struct engine *engine, const struct engine_record *record,
		      const struct run_agent *row);
	void (*run)(void *ctx, const struct engine *engine);
	void (*tick)(void *ctx, const struct engine *engine, int64_t now_ms);
	/* After every answer of the master; failure says why there was none, NULL: it has answered. */
	void (*master)(void *ctx, const struct engine *engine, const char *failure);
	/* Something of the run that is worth a line: a gate's answer, another leader, an operator's order. */
	void (*say)(void *ctx, const struct engine *engine, const char *text);
	void *ctx;
};

/* targets[i] belongs to plan->agents[i]; both are borrowed. run: the ID of a row that exists (new or to be resumed). Orders
 * that operators have put into the ledger for it are carried out, those that lie there already before anything else.
 * Returns 0 when the run ended, was aborted or paused with nobody under way (its row says how), -1 with ERROR_INTERRUPTED
 * (also when a person has paused it), or another error after which the run is resumable. */
int driver_run(const struct plan *plan, const struct transport_target *targets, const char *run,
	       const struct driver_backends *backends, const struct driver_observer *observer, struct error *err);

/* Is that the reason of a run that a person has paused, by Ctrl-C or by an order, and not of one that what happened has paused? */
bool driver_is_paused_by_hand(const char *reason);

#endif
