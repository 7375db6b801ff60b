/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's rows as values: copies and their end. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/ledger/ledger_backend.h"

char *ledger_copy_text(const char *text)
{
	return text == NULL ? NULL : xstrdup(text);
}

void run_agent_clear(struct run_agent *agent)
{
	free(agent->run);
	free(agent->agent_id);
	free(agent->hostname);
	free(agent->state);
	free(agent->operation);
	free(agent->request);
	free(agent->before);
	free(agent->started);
	free(agent->proof);
	free(agent->error);
	memset(agent, 0, sizeof(*agent));
}

void run_agent_copy(struct run_agent *to, const struct run_agent *from)
{
	*to = *from;
	to->run = ledger_copy_text(from->run);
	to->agent_id = ledger_copy_text(from->agent_id);
	to->hostname = ledger_copy_text(from->hostname);
	to->state = ledger_copy_text(from->state);
	to->operation = ledger_copy_text(from->operation);
	to->request = ledger_copy_text(from->request);
	to->before = ledger_copy_text(from->before);
	to->started = ledger_copy_text(from->started);
	to->proof = ledger_copy_text(from->proof);
	to->error = ledger_copy_text(from->error);
}

void run_row_clear(struct run_row *run)
{
	free(run->id);
	free(run->plan);
	free(run->state);
	free(run->reason);
	free(run->rolls_back);
	free(run->before);
	free(run->memory);
	memset(run, 0, sizeof(*run));
}

void run_row_copy(struct run_row *to, const struct run_row *from)
{
	*to = *from;
	to->id = ledger_copy_text(from->id);
	to->plan = ledger_copy_text(from->plan);
	to->state = ledger_copy_text(from->state);
	to->reason = ledger_copy_text(from->reason);
	to->rolls_back = ledger_copy_text(from->rolls_back);
	to->before = ledger_copy_text(from->before);
	to->memory = ledger_copy_text(from->memory);
}

void run_order_clear(struct run_order *order)
{
	free(order->run);
	free(order->verb);
	free(order->actor);
	free(order->answer);
	memset(order, 0, sizeof(*order));
}

void run_order_copy(struct run_order *to, const struct run_order *from)
{
	*to = *from;
	to->run = ledger_copy_text(from->run);
	to->verb = ledger_copy_text(from->verb);
	to->actor = ledger_copy_text(from->actor);
	to->answer = ledger_copy_text(from->answer);
}

int ledger_order_is_over(const struct run_order *order, struct error *err)
{
	return error_set(err, ERROR_CONFLICT,
			 "order %lld (%s) of run %s was carried out, or made void, by somebody else meanwhile: this "
			 "rollcall stops here, and has done nothing of what it was about to do. `rollcall rollout "
			 "resume %s` goes on",
			 (long long)order->seq, order->verb, order->run, order->run);
}

void plan_row_clear(struct plan_row *plan)
{
	free(plan->hash);
	free(plan->cluster);
	free(plan->config);
	free(plan->author);
	free(plan->document);
	memset(plan, 0, sizeof(*plan));
}

void plan_row_copy(struct plan_row *to, const struct plan_row *from)
{
	*to = *from;
	to->hash = ledger_copy_text(from->hash);
	to->cluster = ledger_copy_text(from->cluster);
	to->config = ledger_copy_text(from->config);
	to->author = ledger_copy_text(from->author);
	to->document = xstrndup(from->document, from->document_len);
}
