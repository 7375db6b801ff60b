/* SPDX-License-Identifier: Apache-2.0 */
/* agentctl inspect: what this host says of its agent. Writes nothing. */
#include <string.h>
#include <unistd.h>

#include "agentctl/agentctl.h"
#include "agentctl/settings.h"
#include "agentctl/survey.h"
#include "base/json.h"
#include "protocol/request.h"

#define SURVEY_MAX (256u << 20)

static int read_request(struct host_settings *host, struct error *err)
{
	struct buffer bytes = BUFFER_INIT(REQUEST_MAX);
	struct request request;
	int result = request_read(STDIN_FILENO, &bytes, err);

	if (result == 0)
		result = request_parse(buffer_text(&bytes), bytes.len, &request, err);
	buffer_clear(&bytes);
	if (result != 0)
		return -1;
	if (request.kind != REQUEST_INSPECT)
		result = error_set(err, ERROR_USAGE, "the request on standard input is none for inspect");
	else
		host_settings_copy(host, &request.host);
	request_clear(&request);
	return result;
}

static int print(const struct facts *facts, bool as_json, bool indent, struct error *err)
{
	struct buffer text = BUFFER_INIT(SURVEY_MAX);
	json_t *survey = survey_to_json(facts);
	int result = 0;

	if (!as_json) {
		survey_print(survey, stdout);
	} else if (json_write(survey, indent, &text) == 0) {
		fwrite(text.data, 1, text.len, stdout);
		putchar('\n');
	} else {
		result = error_set(err, ERROR_SYSTEM, "the survey does not fit into %u bytes", SURVEY_MAX);
	}
	if (result == 0 && fflush(stdout) != 0)
		result = error_set(err, ERROR_SYSTEM, "cannot write to standard output");
	json_decref(survey);
	buffer_clear(&text);
	return result;
}

int command_inspect(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct settings_options given = {.root = NULL};
	bool from_request = false;
	bool as_json = false;
	const struct option options[] = {
		{"work-dir", 0, OPTION_STRING, &given.work_dir, "DIR",
		 "the agent's work_dir; default: the running agent's", 0, 0},
		{"store", 0, OPTION_STRING, &given.store, "KIND:PATH", STORE_HELP, 0, 0},
		{"unit", 0, OPTION_STRING, &given.unit, "UNIT", "the systemd unit that runs it", 0, 0},
		{"root", 0, OPTION_STRING, &given.root, "DIR", ROOT_HELP, 0, 0},
		{"state-dir", 0, OPTION_STRING, &given.state_dir, "DIR", STATE_DIR_HELP, 0, 0},
		{"json", 0, OPTION_FLAG, &as_json, NULL, "one JSON document (schema/inspect.schema.json)", 0, 0},
		{"request", 0, OPTION_FLAG, &from_request, NULL, "read a framed request on standard input", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct host_settings host;
	struct error err = ERROR_INIT;
	struct facts facts;
	int exit_code = 0;
	int result;

	(void)ctx;
	if (!command_open(argc, argv, self, options, &exit_code))
		return exit_code;
	memset(&host, 0, sizeof host);
	memset(&facts, 0, sizeof facts);
	result = from_request ? read_request(&host, &err) : settings_from_options(&given, &host, &err);
	if (result == 0)
		result = facts_gather(&host, &facts, &err);
	if (result == 0)
		result = print(&facts, as_json || from_request, as_json && !from_request, &err);
	facts_clear(&facts);
	host_settings_clear(&host);
	return result == 0 ? 0 : command_fail(&err);
}
