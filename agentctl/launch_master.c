/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/launch_master.h"

#include <jansson.h>
#include <string.h>

#include "agentctl/launch_http.h"
#include "base/json.h"

#define MASTER_PORT   5050
#define ASK_TIMEOUT   5000 /* ms; the agent is away meanwhile */
#define REDIRECTS_MAX 5
#define HINT          "make sure that every master is 1.5 or later, and give --master-checked"

/* A master that is not the leading one sends us to that. */
static int ask(struct http_place place, const char *root, struct http_answer *out, struct error *err)
{
	for (int i = 0; i <= REDIRECTS_MAX; i++) {
		struct http_answer answer;
		int result;

		if (http_post(&place, root, "{\"type\":\"GET_MASTER\"}", ASK_TIMEOUT, &answer, err) != 0)
			return -1;
		if (answer.status < 300 || answer.status > 399 || answer.location[0] == '\0') {
			*out = answer;
			return 0;
		}
		if (answer.location[0] == '/' && answer.location[1] != '/') {
			memcpy(place.path, answer.location, sizeof place.path);
			result = 0;
		} else {
			result = http_place_parse(answer.location, place.port, &place, err);
		}
		http_answer_clear(&answer);
		if (result != 0)
			return -1;
	}
	return error_set(err, ERROR_UNREACHABLE, "it redirects more than %d times", REDIRECTS_MAX);
}

static bool has_capability(const json_t *master, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(master, "capabilities"), i, one)
	{
		const char *type = json_string_value(json_object_get(one, "type"));

		if (type != NULL && strcmp(type, name) == 0)
			return true;
	}
	return false;
}

static int too_old(struct error *err)
{
	return error_set(err, ERROR_REFUSED,
			 "it lacks the capability AGENT_UPDATE (Mesos 1.5), so it would go on offering the old state");
}

static int judge(const json_t *master, bool with_domain, struct error *err)
{
	if (!json_is_object(master))
		return error_set(err, ERROR_UNREACHABLE, "what it answers is not about a master");
	if (!has_capability(master, "AGENT_UPDATE"))
		return too_old(err);
	if (with_domain && !json_is_object(json_object_get(master, "domain")))
		return error_set(err, ERROR_REFUSED,
				 "it has no domain itself, so it would ignore an agent that has one; start every "
				 "master with --domain first");
	return 0;
}

static int read_answer(const struct http_answer *answer, bool with_domain, struct error *err)
{
	json_t *document;
	int result;

	if (answer->status == 404 || answer->status == 405) /* older than the API, so older than AGENT_UPDATE */
		return too_old(err);
	if (answer->status != 200)
		return error_set(err, ERROR_UNREACHABLE, "it answers %d", answer->status);
	document = json_parse("its answer", buffer_text(&answer->body), answer->body.len, NULL);
	result = judge(json_object_get(json_object_get(document, "get_master"), "master_info"), with_domain, err);
	json_decref(document);
	return result;
}

static int explain(const char *master, const struct error *cause, struct error *err)
{
	if (cause->kind == ERROR_REFUSED)
		return error_set(err, ERROR_REFUSED, "the checkpoint is not rewritten for the master %s: %s", master,
				 cause->text);
	return error_set(err, ERROR_UNREACHABLE,
			 "the checkpoint is not rewritten before the master is known to store the new state, and the "
			 "master %s cannot be asked: %s; " HINT,
			 master, cause->text);
}

int launch_master_check(const char *master, const char *root, bool with_domain, struct error *err)
{
	struct http_answer answer = {.status = 0};
	struct error cause = ERROR_INIT;
	struct http_place place;
	int result = -1;

	if (master == NULL)
		master = "(none in the flags)";
	else if (strncmp(master, "zk://", 5) == 0)
		error_set(&cause, ERROR_UNREACHABLE, "ZooKeeper knows it");
	else if (http_place_parse(master, MASTER_PORT, &place, &cause) == 0)
		result = 0;
	if (result == 0) {
		memcpy(place.path, "/api/v1", sizeof "/api/v1");
		result = ask(place, root, &answer, &cause);
	}
	if (result == 0)
		result = read_answer(&answer, with_domain, &cause);
	http_answer_clear(&answer);
	return result == 0 ? 0 : explain(master, &cause, err);
}
