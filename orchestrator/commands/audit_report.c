/* SPDX-License-Identifier: Apache-2.0 */
/* audit report: what a run did, with the proof for each agent. */
#include <string.h>

#include "base/clock.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"
#include "orchestrator/report/run_view.h"

static int check_format(struct session *session, const char *format)
{
	if (format && strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
		return error_set(&session->error, ERROR_USAGE, "--format %s: text or json", format);
	if (format && strcmp(format, "json") == 0)
		session->json = true;
	return 0;
}

static int show(struct session *session, const char *name)
{
	struct run_view view;

	if (!session_store(session) ||
	    run_view_load(session_store(session), name, clock_wall_ms(), &view, &session->error) < 0)
		return -1;
	if (session->json)
		output_json(run_view_report(&view));
	else
		run_view_print_report(&view, stdout);
	run_view_clear(&view);
	return 0;
}

int command_audit_report(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	const char *format = NULL;
	const struct option own[] = {
		{"format", 0, OPTION_STRING, &format, "FORMAT", "text (the default) or json", 0, 0},
		{.name = NULL},
	};
	struct arguments operands = {NULL, 0};
	int parsed = command_parse(session, self, argc, argv, own, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0)
		result = check_format(session, format);
	if (parsed == 0 && result == 0)
		result = show(session, operands.items[0]);
	arguments_clear(&operands);
	return result;
}
