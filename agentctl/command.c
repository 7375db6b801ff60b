/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/agentctl.h"
#include "base/log.h"

int command_fail(const struct error *err)
{
	log_error("%s", err->text);
	return error_exit_code(err);
}

bool command_open_with(int argc, const char *const argv[], const struct command *self, const struct option *options,
		       struct arguments *operands, int *exit_code)
{
	struct error err = ERROR_INIT;
	bool help = false;
	int result = options_parse(argc, argv, options, NULL, operands, &help, &err);

	if (result == 0 && !help)
		result = command_check_operands("agentctl", self, operands, &err);
	if (help)
		command_print_help("agentctl", self, options, NULL);
	if (result != 0 || help)
		arguments_clear(operands);
	*exit_code = result == 0 ? 0 : command_fail(&err);
	return result == 0 && !help;
}

bool command_open(int argc, const char *const argv[], const struct command *self, const struct option *options,
		  int *exit_code)
{
	struct arguments operands = {.items = NULL, .count = 0};
	bool go_on = command_open_with(argc, argv, self, options, &operands, exit_code);

	arguments_clear(&operands);
	return go_on;
}
