/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_RESCUE_CARRY_OUT_H
#define ORCHESTRATOR_RESCUE_CARRY_OUT_H
/* A rescue while it is carried out. */
#include "orchestrator/rescue/rescue.h"

struct carrying {
	struct rescue *rescue;
	struct ledger *ledger;
	struct transport *transport;
	struct master_source *master;
	char run[RESCUE_NAME_SIZE];
	int64_t epoch;
	size_t next, open; /* host to begin next; conversations under way */
	bool asking;       /* the master's answer is under way */
	bool waiting;      /* somebody waits for it */
	int64_t asked_ms;
};

/* An event of the rescue, durable when it returns; body is taken. host may be NULL. */
int rescue_note(struct carrying *carrying, const struct rescue_host *host, const char *kind, json_t *body);

/* returned.c: asks as long as somebody is waited for; takes an answer (and frees it); and judges, when all is over. */
void rescue_ask_master(struct carrying *carrying, int64_t now_ms);
int rescue_take_snapshot(struct carrying *carrying, struct master_event *event);
int rescue_prove(struct carrying *carrying);

#endif
