/* SPDX-License-Identifier: Apache-2.0 */
/* observer add, webhook add: somebody wants to be told. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/receivers.h"
#include "orchestrator/outgoing/project.h"
#include "orchestrator/outgoing/receivers.h"
#include "orchestrator/output.h"
#include "orchestrator/session_ledger.h"
#include "remote/secret.h"

#define TIMEOUT_MS     10000
#define TIMEOUT_MIN_MS 100
#define TIMEOUT_MAX_MS 600000
/* Of the frameworks that there are, in a warning. */
#define NAMES_SHOWN    10
#define NAMES_MAX      65536

struct words {
	const char *framework, *events, *url, *url_file, *secret_file, *ca, *timeout;
};

json_t *receiver_to_json(const struct receiver *receiver)
{
	bool observer = strcmp(receiver->kind, "observer") == 0;
	char *url = receiver_shown_url(receiver->url);
	json_t *object = json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:f, s:s, s:o}", "kind", receiver->kind, "name",
				   receiver->name, observer ? "framework" : "events", output_text(receiver->wants),
				   "url", url, "secret_file", output_text(receiver->secret_file), "ca",
				   output_text(receiver->ca), "timeout_seconds", (double)receiver->timeout_ms / 1000,
				   "author", receiver->author, "since", output_time(receiver->created_ms));

	free(url);
	return object;
}

int session_receiver(struct session *session, const char *kind, const char *name, struct receiver *out)
{
	const struct cluster *cluster = session_cluster(session);
	struct store *store = cluster ? session_store(session) : NULL;

	return store ? receiver_find(store, cluster->name, kind, name, out, &session->error) : -1;
}

/* ---- what is asked for */

/* Whole paths: whoever sends later may stand elsewhere. */
static int whole_path(const char *path, const char *option, char **out, struct error *err)
{
	char *whole = realpath(path, NULL);

	if (!whole)
		return error_errno(err, errno == ENOENT ? ERROR_USAGE : ERROR_UNREACHABLE, errno, "%s %s", option,
				   path);
	*out = whole;
	return 0;
}

static int take_secret(const struct words *words, struct receiver *wanted, struct error *err)
{
	const struct secret_source source = {.file = words->secret_file};

	if (!words->secret_file)
		return 0;
	char *secret = secret_read(&source, "--secret-file", err);
	if (!secret)
		return -1;
	secret_free(secret);
	return whole_path(words->secret_file, "--secret-file", &wanted->secret_file, err);
}

static int take_ca(const struct words *words, struct receiver *wanted, struct error *err)
{
	if (!words->ca)
		return 0;
	if (strcmp(words->ca, "system") != 0)
		return whole_path(words->ca, "--ca", &wanted->ca, err);
	wanted->ca = xstrdup("system");
	return 0;
}

static int take_timeout(const struct words *words, struct receiver *wanted, struct error *err)
{
	wanted->timeout_ms = TIMEOUT_MS;
	if (!words->timeout)
		return 0;
	if (clock_parse_duration(words->timeout, &wanted->timeout_ms, err) < 0)
		return error_prefix(err, "--timeout");
	if (wanted->timeout_ms < TIMEOUT_MIN_MS || wanted->timeout_ms > TIMEOUT_MAX_MS)
		return error_set(err, ERROR_USAGE, "--timeout %s: from 100ms to 10mins", words->timeout);
	return 0;
}

static int take_wants(const struct words *words, struct receiver *wanted, struct error *err)
{
	if (strcmp(wanted->kind, "webhook") == 0) {
		wanted->wants = words->events ? xstrdup(words->events) : NULL;
		return words->events ? receiver_check_kinds(words->events, err) : 0;
	}
	if (!words->framework || !*words->framework)
		return error_set(
			err, ERROR_USAGE,
			"--framework is missing: the ID, the name or the role of the framework whose tasks are "
			"observed");
	wanted->wants = xstrdup(words->framework);
	return 0;
}

/* Of a file only its path is kept. */
static int take_url(const struct words *words, struct receiver *wanted, struct error *err)
{
	char *path = NULL, *url;

	if (!words->url == !words->url_file)
		return error_set(err, ERROR_USAGE,
				 words->url ? "--url and --url-file: give one of them"
					    : "--url (or --url-file) is missing: where events are posted to");
	if (words->url) {
		wanted->url = xstrdup(words->url);
		return receiver_check_url(wanted->url, err);
	}
	if (whole_path(words->url_file, "--url-file", &path, err) < 0)
		return -1;
	wanted->url = xasprintf(RECEIVER_URL_FILE "%s", path);
	free(path);
	url = receiver_read_url(wanted->url, err);
	secret_free(url);
	return url ? 0 : -1;
}

static int take(const struct words *words, struct receiver *wanted, struct error *err)
{
	if (receiver_check_name(wanted->name, err) < 0 || take_url(words, wanted, err) < 0 ||
	    take_wants(words, wanted, err) < 0 || take_timeout(words, wanted, err) < 0 ||
	    take_ca(words, wanted, err) < 0)
		return -1;
	return take_secret(words, wanted, err);
}

/* ---- written down */

static int check_new(struct session *session, const struct receiver *wanted)
{
	struct receiver_list list;
	int result = 0;

	if (receivers_load(session_store(session), wanted->cluster, wanted->kind, &list, &session->error) < 0)
		return -1;
	for (size_t i = 0; i < list.count && result == 0; i++)
		if (strcmp(list.items[i].name, wanted->name) == 0)
			result = error_set(&session->error, ERROR_CONFLICT,
					   "there is a%s %s %s already; `rollcall %s remove %s` takes it away",
					   strcmp(wanted->kind, "observer") == 0 ? "n" : "", wanted->kind, wanted->name,
					   wanted->kind, wanted->name);
	receiver_list_clear(&list);
	return result;
}

static int put(struct session *session, const struct receiver *wanted)
{
	struct ledger *ledger = session_ledger(session);
	char *kind = xasprintf("%s.added", wanted->kind);
	int result = -1;

	if (ledger) {
		ledger_event(ledger, kind, NULL, NULL,
			     json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:s*, s:I}", "cluster", wanted->cluster, "name",
				       wanted->name, "url", wanted->url, "wants", wanted->wants, "secret_file",
				       wanted->secret_file, "ca", wanted->ca, "timeout_ms",
				       (json_int_t)wanted->timeout_ms));
		result = ledger_commit(ledger, &session->error);
	}
	ledger_close(ledger);
	free(kind);
	return result;
}

/* Nothing wrong with a framework that is still to come; but a name with a typo in it would keep silent for ever. */
static int warn_of_nobody(struct session *session, const struct receiver *observer)
{
	struct buffer names = BUFFER_INIT(NAMES_MAX);
	struct store_cursor rows;
	size_t count = 0, matching = 0;
	int more;

	if (store_query(
		    session_store(session), &rows, &session->error,
		    "SELECT f.id, f.name, f.role FROM frameworks f JOIN clusters c ON c.id = f.cluster WHERE c.name = ?1 ORDER "
		    "BY f.name, f.id",
		    "t", observer->cluster) < 0)
		return -1;
	while ((more = store_next(&rows, &session->error)) > 0) {
		matching += observer_wants(observer->wants, store_text(&rows, 0), store_text(&rows, 1),
					   store_text(&rows, 2));
		if (count++ < NAMES_SHOWN)
			buffer_printf(&names, "%s%s", count > 1 ? ", " : "", store_text(&rows, 1));
	}
	store_done(&rows);
	if (more == 0 && matching == 0)
		log_warning(
			"no framework has the ID, name or role %s: as of the last `rollcall inventory sync`, cluster %s has "
			"%zu framework%s%s%s%s",
			observer->wants, observer->cluster, count, count == 1 ? "" : "s", count ? ": " : "",
			buffer_text(&names), count > NAMES_SHOWN ? "…" : "");
	buffer_clear(&names);
	return more;
}

static int show(struct session *session, const struct receiver *wanted)
{
	if (strcmp(wanted->kind, "observer") == 0 && warn_of_nobody(session, wanted) < 0)
		return -1;
	if (session->json)
		return output_json(receiver_to_json(wanted));
	char *url = receiver_shown_url(wanted->url);
	printf("%s %s: posts to %s%s\n", strcmp(wanted->kind, "observer") == 0 ? "Observer" : "Webhook", wanted->name,
	       url, wanted->secret_file ? ", signed" : ", not signed");
	if (!session->quiet)
		output_told(session, stdout, "Try it: `rollcall %s test %s`\n", wanted->kind, wanted->name);
	free(url);
	return 0;
}

static int add(struct session *session, const char *kind, const char *name, const struct words *words)
{
	const struct cluster *cluster = session_cluster(session);
	struct receiver wanted = {.kind = xstrdup(kind), .name = xstrdup(name)}, made = {.number = 0};
	int result = -1;

	if (cluster && session_new_store(session)) {
		wanted.cluster = xstrdup(cluster->name);
		if (take(words, &wanted, &session->error) == 0 && check_new(session, &wanted) == 0 &&
		    put(session, &wanted) == 0)
			result = receiver_find(session_store(session), wanted.cluster, kind, name, &made,
					       &session->error);
	}
	if (result == 0)
		result = show(session, &made);
	receiver_clear(&wanted);
	receiver_clear(&made);
	return result;
}

static int run(struct session *session, const char *kind, const struct option *own, const struct words *words, int argc,
	       const char *const argv[], const struct command *self)
{
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = add(session, kind, operands.items[0], words);
	arguments_clear(&operands);
	return result;
}

#define SHARED_OPTIONS(words)                                                                                          \
	{"url", 0, OPTION_STRING, &(words).url, "URL", "where events are posted to: http:// or https://", 0, 0},       \
		{"url-file",                                                                                           \
		 0,                                                                                                    \
		 OPTION_STRING,                                                                                        \
		 &(words).url_file,                                                                                    \
		 "FILE",                                                                                               \
		 "instead: a file with the URL in one line that only its owner may read, for one with a token in it",  \
		 0,                                                                                                    \
		 0},                                                                                                   \
		{"secret-file",                                                                                        \
		 0,                                                                                                    \
		 OPTION_STRING,                                                                                        \
		 &(words).secret_file,                                                                                 \
		 "FILE",                                                                                               \
		 "a file with one line that only its owner may read: what is posted is signed with it",                \
		 0,                                                                                                    \
		 0},                                                                                                   \
		{"ca",                                                                                                 \
		 0,                                                                                                    \
		 OPTION_STRING,                                                                                        \
		 &(words).ca,                                                                                          \
		 "FILE",                                                                                               \
		 "PEM file with who may have signed the server's certificate, or `system`; the cluster file's "        \
		 "access.ca "                                                                                          \
		 "unless given",                                                                                       \
		 0,                                                                                                    \
		 0},                                                                                                   \
	{                                                                                                              \
		"timeout", 0, OPTION_STRING, &(words).timeout, "TIME", "for one attempt (10secs)", 0, 0                \
	}

int command_observer_add(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct words words = {.url = NULL};
	const struct option own[] = {
		{"framework", 0, OPTION_STRING, &words.framework, "ID|NAME|ROLE",
		 "whose tasks; id:…, name:… or role:… if it could be several of them (required)", 0, 0},
		SHARED_OPTIONS(words),
		{.name = NULL},
	};

	return run(ctx, "observer", own, &words, argc, argv, self);
}

int command_webhook_add(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct words words = {.url = NULL};
	const struct option own[] = {
		{"events", 0, OPTION_STRING, &words.events, "KIND[,KIND…]",
		 "only these (rollout.paused,rollout.failed); all unless given", 0, 0},
		SHARED_OPTIONS(words),
		{.name = NULL},
	};

	return run(ctx, "webhook", own, &words, argc, argv, self);
}
