/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/launch_judge.h"

#include <string.h>

#include "base/json.h"

#define REASON_MAX (17u << 20) /* the agent's own message, and some lines */
#define IGNORABLE  (PART_RESOURCES | PART_ATTRIBUTES | PART_DOMAIN)

void launch_judgement_clear(struct launch_judgement *judgement)
{
	buffer_clear(&judgement->bytes);
	buffer_clear(&judgement->reason);
	memset(judgement, 0, sizeof *judgement);
}

static bool accepts(const struct launch_question *question, unsigned ignore, bool recover_state, struct verdict *out)
{
	struct recovery_rules rules = question->rules;

	rules.ignore = ignore;
	rules.recover_state = recover_state;
	recovery_check(question->checkpoint->info, question->after, &question->checkpoint->reserved, &rules, out);
	return out->accepted;
}

static bool would_accept(const struct launch_question *question, unsigned ignore, bool recover_state)
{
	struct verdict verdict = {.accepted = false};
	bool accepted = accepts(question, ignore, recover_state, &verdict);

	verdict_clear(&verdict);
	return accepted;
}

/* ---- refusing */

static void name_parts(unsigned parts, struct buffer *out)
{
	const char *separator = "";

	for (unsigned bit = 1; bit <= PART_CHECKPOINT; bit <<= 1) {
		if (!(parts & bit))
			continue;
		buffer_printf(out, "%s%s", separator, slaveinfo_part_name((enum slaveinfo_part)bit));
		separator = ", ";
	}
}

static void name_value(unsigned parts, struct buffer *out)
{
	json_t *value = recovery_ignore_to_json(parts);

	buffer_puts(out, "--ignore_checkpointed_state='");
	json_write(value, false, out);
	buffer_puts(out, "'");
	json_decref(value);
}

/* Which value would let this pass. */
static void advise(const struct launch_question *question, unsigned differs, struct buffer *out)
{
	unsigned wanted = question->rules.ignore | (differs & IGNORABLE);

	buffer_puts(out, "\n\nagentctl launch: nothing was written, and the agent was not started.\n");
	if (question->rebooted)
		buffer_puts(out, "This host has rebooted: the agent by itself would not have refused, but registered "
				 "under a new ID.\n");
	if (would_accept(question, wanted, true)) {
		name_value(wanted, out);
		buffer_puts(out, " would allow it: ID and tasks stay.\n");
	} else if (!would_accept(question, wanted, false)) {
		buffer_puts(out, "No value of --ignore_checkpointed_state allows it: what is reserved must fit. "
				 "Unreserve it, or destroy its volumes, first.\n");
		return;
	} else {
		buffer_puts(out, "No value of --ignore_checkpointed_state allows it: ");
		name_parts(differs & ~(unsigned)IGNORABLE, out);
		buffer_puts(out, " cannot be ignored.\n");
	}
	if (differs & PART_HOSTNAME)
		buffer_puts(out, "The master would shut the agent down if it came back under its ID with another "
				 "hostname: only a new ID goes with it.\n");
	else
		buffer_puts(out, "--recover_state=false would allow it, too: the ID stays, the tasks are killed.\n");
}

static void refuse(const struct launch_question *question, const char *agent_says, struct launch_judgement *out)
{
	out->action = LAUNCH_REFUSE;
	buffer_clear(&out->bytes);
	buffer_reset(&out->reason);
	buffer_puts(&out->reason, "Failed to perform recovery: ");
	buffer_puts(&out->reason, agent_says);
	advise(question, out->differs, &out->reason);
}

static void refuse_because(const char *why, struct launch_judgement *out)
{
	out->action = LAUNCH_REFUSE;
	buffer_clear(&out->bytes);
	buffer_reset(&out->reason);
	buffer_printf(&out->reason, "agentctl launch: %s\nNothing was written, and the agent was not started.\n", why);
}

/* ---- rewriting */

/* Under `additive` an agent refuses some lists of attributes even when they are the same. */
static void check_start_after(const struct launch_question *question, struct launch_judgement *out)
{
	struct verdict verdict = {.accepted = false};
	struct error err = ERROR_INIT;
	Mesos__SlaveInfo *written = checkpoint_parse("the new slave.info", buffer_text(&out->bytes), out->bytes.len,
						     &err);
	struct checkpoint_state checkpoint = {.info = written, .reserved = question->checkpoint->reserved};
	struct launch_question next = *question;

	next.checkpoint = &checkpoint;
	if (written == NULL)
		refuse_because(err.text, out);
	else if (!accepts(&next, 0, true, &verdict))
		refuse(question, buffer_text(&verdict.message), out);
	verdict_clear(&verdict);
	slaveinfo_free(written);
}

static void rewrite(const struct launch_question *question, enum launch_action action, struct launch_judgement *out)
{
	const struct buffer *old = &question->checkpoint->bytes;
	struct error err = ERROR_INIT;

	out->action = action;
	buffer_init(&out->bytes, CHECKPOINT_MAX);
	if (checkpoint_splice(buffer_text(old), old->len, question->after, &out->bytes, &err) != 0)
		refuse_because(err.text, out);
	else
		check_start_after(question, out);
}

static void discard(const struct launch_question *question, struct launch_judgement *out)
{
	struct verdict verdict = {.accepted = false};

	if (out->differs & PART_HOSTNAME)
		refuse_because("the hostname differs from the checkpoint's. The master would shut the agent down if it "
			       "came back under its ID with another hostname: give --hostname as it was, or let the "
			       "agent register as a new one (remove meta/slaves/latest).",
			       out);
	else if (!accepts(question, 0, false, &verdict))
		refuse(question, buffer_text(&verdict.message), out);
	else
		rewrite(question, LAUNCH_DISCARD, out);
	verdict_clear(&verdict);
}

void launch_judge(const struct launch_question *question, struct launch_judgement *out)
{
	struct verdict stock = {.accepted = false};

	buffer_init(&out->reason, REASON_MAX);
	out->agent_accepts = accepts(question, 0, true, &stock);
	out->differs = stock.differs;
	out->action = LAUNCH_START;
	if (question->discard && (out->differs != 0 || question->discard_unchanged))
		discard(question, out);
	else if ((out->differs & question->rules.ignore) != 0 && would_accept(question, question->rules.ignore, true))
		rewrite(question, LAUNCH_REWRITE, out);
	else if (out->differs != 0 && !out->agent_accepts)
		refuse(question, buffer_text(&stock.message), out);
	verdict_clear(&stock);
}
