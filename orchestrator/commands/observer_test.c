/* SPDX-License-Identifier: Apache-2.0 */
/* observer test, webhook test: posts a test at once, past the queue. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/receivers.h"
#include "orchestrator/outgoing/message.h"
#include "orchestrator/outgoing/project.h"
#include "orchestrator/outgoing/request.h"
#include "orchestrator/output.h"

struct trial {
	const struct receiver *receiver;
	bool ended;
	struct post_result verdict;
};

static void on_answer(void *ctx, struct http_answer *answer)
{
	struct trial *trial = ctx;

	post_result_of(trial->receiver, answer, &trial->verdict);
	trial->ended = true;
}

/* The request has a deadline of its own: this ends. */
static int post(struct session *session, const struct receiver *receiver, const char *id, struct trial *trial)
{
	struct buffer text = BUFFER_INIT(MESSAGE_MAX);
	struct http *http = session_http(session);
	struct http_access access;
	uint64_t request;

	if (!http)
		return -1;
	message_compose_test(receiver, id, clock_wall_ms(), &text);
	const struct request_body body = {
		.id = id, .kind = KIND_TEST, .bytes = buffer_text(&text), .len = text.len, .attempt = 1};
	int result = receiver_post(http, receiver, session->cluster->access.ca, &body, &access, on_answer, trial,
				   &request, &session->error);
	while (result == 0 && !trial->ended)
		loop_wait(session_loop(session), -1);
	buffer_clear(&text);
	return result;
}

static int test(struct session *session, const struct receiver *receiver)
{
	struct trial trial = {.receiver = receiver};
	char id[RANDOM_ID_SIZE];

	random_id(id);
	if (post(session, receiver, id, &trial) < 0)
		return -1;
	int result = 0;
	if (!trial.verdict.delivered)
		result = error_set(&session->error, ERROR_UNREACHABLE, "%s: %s", receiver->name, trial.verdict.why);
	else if (session->json)
		result = output_json(
			json_pack("{s:s, s:s, s:s}", "kind", receiver->kind, "name", receiver->name, "id", id));
	else
		printf("%s has taken test %s%s\n", receiver->name, id, receiver->secret_file ? ", signed" : "");
	post_result_clear(&trial.verdict);
	return result;
}

static int run(struct session *session, const char *kind, int argc, const char *const argv[],
	       const struct command *self)
{
	struct arguments operands = {NULL, 0};
	struct receiver receiver;
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = session_receiver(session, kind, operands.items[0], &receiver);
	if (parsed == 0 && result == 0) {
		result = test(session, &receiver);
		receiver_clear(&receiver);
	}
	arguments_clear(&operands);
	return result;
}

int command_observer_test(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	return run(ctx, "observer", argc, argv, self);
}

int command_webhook_test(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	return run(ctx, "webhook", argc, argv, self);
}
