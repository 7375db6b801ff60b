/* SPDX-License-Identifier: Apache-2.0 */
/* The master's faults: what a request meets before it is answered, if anything is broken. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "lab/master/master.h"

typedef void strike(struct master *master, const struct web_call *call, struct web_reply *reply);

static void strike_500(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	(void)master;
	(void)call;
	web_refuse(reply, 500, "Internal Server Error");
}

static void strike_503(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	(void)master;
	(void)call;
	web_refuse(reply, 503, "Master has not finished recovery");
}

static void strike_garbage(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	(void)master;
	(void)call;
	buffer_puts(&reply->body, "<html><body>It works!</body></html>\n");
}

static void strike_truncated(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	master_answer_request(master, call, reply);
	reply->manner = WEB_CUT;
}

/* To its second address, where nothing is broken. Only of the only master: several redirect by themselves. */
static void strike_redirect(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	master_redirect(reply, master->lab->master_other, call);
}

static void strike_redirect_loop(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	master_redirect(reply, master->lab->masters[master->number].address, call);
}

static void strike_hang(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	(void)master;
	(void)call;
	reply->manner = WEB_NEVER;
}

/* While it still leads, the registry is its own. */
static void concede(struct master *master)
{
	fault_heal(master->lab, master->name, "failover", NULL);
	master_registry_write(master);
	master_give_up(master, "Conceded leadership to another master... committing suicide!");
}

/* In the middle of a request the leader is none any more; nobody answers it. */
static void strike_failover(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	(void)call;
	reply->manner = WEB_NEVER;
	concede(master);
}

/* The first answer since the fault was armed, again and again; every question has its own. */
static void strike_stale(struct master *master, const struct web_call *call, struct web_reply *reply)
{
	char key[DIGEST_HEX_SIZE];
	char *question = xasprintf("%s %s %s %s", call->method, call->uri, call->accept, call->body);
	digest_hex(question, strlen(question), key);
	free(question);
	json_t *kept = json_object_get(master->stale, key);
	master_answer_request(master, call, reply);
	if (kept == NULL) {
		char *text = base64_encode(buffer_text(&reply->body), reply->body.len);
		json_object_set_new(master->stale, key, json_string(text));
		free(text);
		return;
	}
	unsigned char *bytes = NULL;
	size_t len = 0;
	if (base64_decode(json_string_value(kept), &bytes, &len, NULL) == 0) {
		buffer_reset(&reply->body);
		buffer_append(&reply->body, bytes, len);
	}
	free(bytes);
}

static const struct {
	const char *name;
	strike *strike;
} strikes[] = {
	{"failover", strike_failover},
	{"hang", strike_hang},
	{"500", strike_500},
	{"503", strike_503},
	{"garbage", strike_garbage},
	{"truncated", strike_truncated},
	{"redirect-loop", strike_redirect_loop},
	{"redirect", strike_redirect},
	{"stale", strike_stale},
};

/* Counts the request for faults that begin after so many. */
static bool past_the_beginning(struct master *master, const struct fault *fault)
{
	if (fault->after <= 0)
		return true;
	if (master->counting == NULL || strcmp(master->counting, fault->id) != 0) {
		free(master->counting);
		master->counting = xstrdup(fault->id);
		master->requests = 0;
	}
	return master->requests++ >= fault->after;
}

void master_request(void *ctx, const struct web_call *call, struct web_reply *reply)
{
	struct master *master = ctx;
	for (size_t i = 0; i < sizeof(strikes) / sizeof(strikes[0]); i++) {
		const struct fault *fault = fault_set_find(&master->faults, strikes[i].name);
		if (fault == NULL || !past_the_beginning(master, fault))
			continue;
		strikes[i].strike(master, call, reply);
		return;
	}
	master_answer_request(master, call, reply);
}

void master_faults_changed(struct master *master)
{
	fault_set_clear(&master->faults);
	fault_set_load(master->lab, master->name, &master->faults);
	int64_t next = fault_set_next_expiry(&master->faults);
	timer_set(master->fault_timer, next < 0 ? -1 : next + 1);
	if (fault_set_find(&master->faults, "stale") == NULL) {
		json_decref(master->stale);
		master->stale = json_object();
	}
	if (master->web != NULL && fault_set_find(&master->faults, "hang") == NULL)
		web_resume(master->web);
	const struct fault *failover = fault_set_find(&master->faults, "failover");
	if (failover != NULL && failover->after <= 0)
		concede(master);
}
