/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/outgoing/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "orchestrator/outgoing/message.h"
#include "orchestrator/outgoing/receivers.h"
#include "remote/secret.h"

/* Nobody reads what a receiver says beside its status, apart from the first line of a refusal. */
#define ANSWER_MAX (1u << 20)
#define SHOWN_MAX  160

void post_result_clear(struct post_result *result)
{
	free(result->why);
	*result = (struct post_result){.delivered = false};
}

/* What came with 200 is of no use. */
static int ignore(void *ctx, const char *content_type, const char *data, size_t len, struct error *err)
{
	(void)ctx;
	(void)content_type;
	(void)data;
	(void)len;
	(void)err;
	return 0;
}

struct headers {
	char *lines[5];
	size_t count;
};

static void headers_clear(struct headers *headers)
{
	for (size_t i = 0; i < headers->count; i++)
		free(headers->lines[i]);
}

/* Read anew each time: a secret may be exchanged while a run goes on. */
static int sign(const struct receiver *receiver, const struct request_body *body, struct headers *headers,
		struct error *err)
{
	const struct secret_source source = {.file = receiver->secret_file};
	char signature[SIGNATURE_MAX];

	if (!receiver->secret_file)
		return 0;
	char *secret = secret_read(&source, "the secret", err);
	if (!secret)
		return -1;
	message_sign(secret, clock_wall_ms(), body->bytes, body->len, signature);
	secret_free(secret);
	headers->lines[headers->count++] = xasprintf("Rollcall-Signature: %s", signature);
	return 0;
}

static const char *choose_ca(const struct receiver *receiver, const char *ca)
{
	if (!receiver->ca)
		return ca;
	return strcmp(receiver->ca, "system") == 0 ? NULL : receiver->ca;
}

/* Is part of the URL not to be shown? */
static bool is_url_hidden(const char *url)
{
	char *shown = receiver_shown_url(url);
	bool hidden = strncmp(url, RECEIVER_URL_FILE, strlen(RECEIVER_URL_FILE)) == 0 || strcmp(shown, url) != 0;

	free(shown);
	return hidden;
}

int receiver_post(struct http *http, const struct receiver *receiver, const char *ca, const struct request_body *body,
		  struct http_access *access, void (*done)(void *ctx, struct http_answer *answer), void *ctx,
		  uint64_t *http_id, struct error *err)
{
	struct headers headers = {.count = 0};

	char *url = receiver_read_url(receiver->url, err), *shown;

	if (!url || sign(receiver, body, &headers, err) < 0) {
		secret_free(url);
		return -1;
	}
	shown = is_url_hidden(receiver->url) ? receiver_shown_url(receiver->url) : NULL;
	headers.lines[headers.count++] = xasprintf("Rollcall-Event: %s", body->id);
	headers.lines[headers.count++] = xasprintf("Rollcall-Kind: %s", body->kind);
	headers.lines[headers.count++] = xasprintf("Rollcall-Attempt: %" PRId64, body->attempt);
	*access = (struct http_access){.ca = choose_ca(receiver, ca)};
	const struct http_request request = {
		.url = url,
		.shown_as = shown,
		.body = body->bytes,
		.body_len = body->len,
		.headers = (const char *const *)headers.lines, /* the last one stays NULL */
		.timeout_ms = receiver->timeout_ms,
		.max_body = ANSWER_MAX,
		.access = access,
		.take = ignore,
	};
	*http_id = http_start(http, &request, done, ctx);
	headers_clear(&headers);
	secret_free(url);
	free(shown);
	return 0;
}

/* The first line of what a receiver says, as far as it can be shown and kept. It is cut when nothing more can be recognised: half of
 * "user:password@host" does not look like a password. */
static char *first_words(const struct http_answer *answer)
{
	const char *text = buffer_text(&answer->body);
	char *line = xstrndup(text, strcspn(text, "\r\n")), *safe = redact_text(line), *shown;

	if (strlen(safe) > SHOWN_MAX)
		safe[SHOWN_MAX] = '\0';
	shown = text_printable(safe, false);

	free(line);
	free(safe);
	return shown;
}

/* A receiver may repeat what it was asked ("Cannot POST /…") or what it was signed with, in whatever spelling. */
static char *describe_refusal(const struct receiver *receiver, const struct http_answer *answer)
{
	char *words, *why;

	if (receiver->secret_file || is_url_hidden(receiver->url))
		return xasprintf("it answered %d (its words are not kept: they may repeat a secret)", answer->status);
	words = first_words(answer);
	why = xasprintf("it answered %d%s%s", answer->status, words[0] ? ": " : "", words);
	free(words);
	return why;
}

void post_result_of(const struct receiver *receiver, const struct http_answer *answer, struct post_result *out)
{
	*out = (struct post_result){.gone = answer->status == 410};
	if (answer->error.kind != ERROR_NONE) {
		out->unreachable = true;
		out->why = text_printable(answer->error.text, false);
	} else if (answer->status >= 200 && answer->status < 300) {
		out->delivered = true;
	} else if (answer->location) {
		out->why = xasprintf("it answered %d and points elsewhere: redirects are not followed", answer->status);
	} else {
		out->why = describe_refusal(receiver, answer);
	}
}
