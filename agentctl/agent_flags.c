/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of an agent whose environment may not be read: it says them itself, over plain HTTP. */
#include <stdlib.h>
#include <string.h>

#include "agentctl/agent.h"
#include "agentctl/launch_http.h"
#include "base/json.h"

#define TIMEOUT_MS   2000
#define DEFAULT_PORT 5051

static int place_of(const struct flags *from_argv, struct http_place *out)
{
	const char *ip = flags_get(from_argv, "ip");
	const char *port = flags_get(from_argv, "port");
	long number = port == NULL ? DEFAULT_PORT : strtol(port, NULL, 10);

	if (number < 1 || number > 65535 || (ip != NULL && strlen(ip) >= sizeof out->host))
		return -1;
	memset(out, 0, sizeof *out);
	snprintf(out->host, sizeof out->host, "%s", ip == NULL ? "127.0.0.1" : ip);
	out->port = (unsigned short)number;
	memcpy(out->path, "/flags", 7);
	return 0;
}

/* Whoever answers on that port must have every flag of this process' command line. */
static bool is_the_same(const struct flags *from_argv, const struct flags *said)
{
	for (size_t i = 0; i < from_argv->count; i++)
		if (!flags_same_value(from_argv->items[i].name, from_argv->items[i].value,
				      flags_get(said, from_argv->items[i].name)))
			return false;
	return true;
}

/* {"flags": {"attributes": "rack:r1", …}}: with the defaults, which nothing tells from what was set. */
static bool read_flags(const struct http_answer *answer, struct flags *out)
{
	json_t *document = answer->status == 200 ? json_loadb(buffer_text(&answer->body), answer->body.len, 0, NULL)
						 : NULL;
	const json_t *flags = json_object_get(document, "flags");
	bool read = json_is_object(flags) && flags_from_json(flags, "the agent's /flags", out, NULL) == 0;

	json_decref(document);
	return read;
}

bool agent_ask_flags(const char *root, struct agent_process *agent)
{
	struct http_answer answer;
	struct flags said = FLAGS_INIT;
	struct http_place place;
	bool asked = false;

	memset(&answer, 0, sizeof answer);
	if (place_of(&agent->from_argv, &place) == 0 && http_get(&place, root, TIMEOUT_MS, &answer, NULL) == 0)
		asked = read_flags(&answer, &said) && is_the_same(&agent->from_argv, &said);
	http_answer_clear(&answer);
	if (asked) {
		flags_clear(&agent->flags);
		agent->flags = said;
		agent->asked = true;
	} else {
		flags_clear(&said);
	}
	return asked;
}
