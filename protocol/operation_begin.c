/* SPDX-License-Identifier: Apache-2.0 */
/* How an operation comes to life: begun anew, or loaded by whoever goes on with it. */
#include "protocol/operation.h"

static int check_begin(const struct operation_terms *terms, const struct operation_look *look, struct error *err)
{
	bool running = look->agent == AGENT_RUNNING;

	if (!running && !terms->rescue)
		return error_set(err, ERROR_CONFLICT,
				 "no agent runs on this host: there would be nothing to prove the change on; start it, "
				 "or find out why it does not run");
	if (running && terms->rescue)
		return error_set(err, ERROR_CONFLICT,
				 "an agent runs on this host (process %lld): there is nothing to rescue",
				 (long long)look->process.pid);
	return 0;
}

int operation_begin(struct operation *op, const struct operation_ops *ops, void *ctx,
		    const struct operation_terms *terms, struct error *err)
{
	struct operation fresh = {.ops = ops, .ctx = ctx, .driver = OPERATION_BY_APPLY};
	struct operation_look look = {.agent = AGENT_ABSENT};
	int result = ops->look(ctx, &look, err);

	if (result != 0)
		return result;
	if (check_begin(terms, &look, err) != 0)
		return -1;
	result = ops->boot_id(ctx, fresh.state.boot_id, err);
	if (result != 0)
		return result;
	fresh.state.step = STEP_PREPARED;
	fresh.state.before = look.process;
	fresh.state.discard = terms->discard;
	fresh.state.rescue = terms->rescue;
	fresh.state.native = terms->native;
	fresh.state.ends_tasks = terms->ends_tasks;
	fresh.state.start_timeout_ms = terms->start_timeout_ms;
	fresh.state.verdict_timeout_ms = terms->verdict_timeout_ms;
	result = ops->save_state(ctx, &fresh.state, err);
	if (result == 0)
		*op = fresh;
	return result;
}

int operation_load(struct operation *op, const struct operation_ops *ops, void *ctx, enum operation_driver driver,
		   struct error *err)
{
	struct operation loaded = {.ops = ops, .ctx = ctx, .driver = driver};
	int result = ops->load_state(ctx, &loaded.state, err);

	if (result == 0)
		*op = loaded;
	return result;
}
