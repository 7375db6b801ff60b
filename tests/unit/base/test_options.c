/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/options.h"
#include "base/suggest.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static struct values {
	bool json;
	bool wait;
	const char *where;
	int64_t window;
	struct option_list set;
	int verbose;
	bool color;
} got;

static const struct option own[] = {
	{.name = "json", .kind = OPTION_FLAG, .target = &got.json, .help = "one document on stdout"},
	{.name = "wait", .letter = 'w', .kind = OPTION_FLAG, .target = &got.wait, .help = "wait until it is done"},
	{.name = "where", .kind = OPTION_STRING, .target = &got.where, .argument = "EXPR", .help = "which agents"},
	{.name = "window",
	 .letter = 'n',
	 .kind = OPTION_INT,
	 .target = &got.window,
	 .argument = "N",
	 .help = "how many at once, counted in agents that are away for any reason, in the whole run",
	 .min = 1,
	 .max = 100},
	{.name = "set", .letter = 's', .kind = OPTION_LIST, .target = &got.set, .argument = "K=V", .help = "a value"},
	{.name = NULL},
};

static const struct option global[] = {
	{.name = "verbose", .letter = 'v', .kind = OPTION_COUNT, .target = &got.verbose, .help = "say more"},
	{.name = "color", .kind = OPTION_FLAG, .target = &got.color, .help = "colours"},
	{.name = NULL},
};

struct parsed {
	int result;
	bool help;
	struct arguments operands;
	struct error err;
};

/* args end with NULL. */
static struct parsed parse(const char *const args[])
{
	struct parsed parsed = {.help = false, .err = ERROR_INIT};
	option_list_clear(&got.set);
	got = (struct values){.color = true, .window = 5};
	int argc = 0;
	while (args[argc] != NULL)
		argc++;
	parsed.result = options_parse(argc, args, own, global, &parsed.operands, &parsed.help, &parsed.err);
	return parsed;
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(struct parsed parsed, const char *words)
{
	assert_int_equal(parsed.result, -1);
	assert_error(&parsed.err, ERROR_USAGE, words);
	assert_int_equal(parsed.operands.count, 0);
	assert_null(parsed.operands.items);
}

static void every_kind_and_both_spellings(void **state)
{
	(void)state;
	struct parsed p = PARSE("--json", "a", "--where=x = 'y'", "--window", "7", "b", "-v", "--no-color");
	assert_int_equal(p.result, 0);
	assert_true(got.json);
	assert_false(got.wait);
	assert_false(got.color);
	assert_string_equal(got.where, "x = 'y'");
	assert_int_equal(got.window, 7);
	assert_int_equal(got.verbose, 1);
	assert_int_equal(p.operands.count, 2);
	assert_string_equal(p.operands.items[1], "b");
	arguments_clear(&p.operands);
	assert_int_equal(p.operands.count, 0);
}

static void letters(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-wvvn9").result, 0);
	assert_true(got.wait);
	assert_int_equal(got.verbose, 2);
	assert_int_equal(got.window, 9);
	assert_int_equal(PARSE("-n", "10").result, 0);
	assert_int_equal(got.window, 10);
	assert_refused(PARSE("-wx"), "unknown option -x");
	assert_refused(PARSE("-n"), "--window needs a value: --window N");
}

static void lists_keep_their_order(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--set", "a=1", "-sb=2", "--set=c=3").result, 0);
	assert_int_equal(got.set.count, 3);
	assert_string_equal(got.set.items[0], "a=1");
	assert_string_equal(got.set.items[1], "b=2");
	assert_string_equal(got.set.items[2], "c=3");
	option_list_clear(&got.set);
	assert_int_equal(got.set.count, 0);
}

static void after_two_dashes_all_are_operands(void **state)
{
	(void)state;
	struct parsed p = PARSE("-", "--", "--json", "-v", "--");
	assert_int_equal(p.result, 0);
	assert_false(got.json);
	assert_int_equal(p.operands.count, 4);
	assert_string_equal(p.operands.items[0], "-");
	assert_string_equal(p.operands.items[3], "--");
	arguments_clear(&p.operands);
}

static void a_value_may_look_like_an_option(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--where", "--json", "--where=").result, 0);
	assert_string_equal(got.where, "");
	assert_false(got.json);
}

static void numbers_have_limits(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--window=1").result, 0);
	assert_int_equal(PARSE("--window=100").result, 0);
	static const char *const bad[] = {
		"--window=0",  "--window=101", "--window=-3", "--window=",
		"--window=3x", "--window=1.5", "--window=x",  "--window=99999999999999999999"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(PARSE(bad[i]), "a whole number from 1 to 100");
	assert_int_equal(got.window, 5);
}

static void unknown_options_are_explained(void **state)
{
	(void)state;
	assert_refused(PARSE("--widow", "3"), "unknown option --widow; did you mean --window?");
	assert_refused(PARSE("--windwo=3"), "did you mean --window?");
	assert_refused(PARSE("--verbos"), "did you mean --verbose?");
	assert_refused(PARSE("--hlep"), "did you mean --help?");
	assert_refused(PARSE("--win"), "unknown option --win; --help lists");
	assert_refused(PARSE("--completely-else"), "--help lists the options");
	assert_refused(PARSE("--no-window"), "unknown option --no-window");
	assert_refused(PARSE("--no-"), "unknown option --no-");
	assert_refused(PARSE("--=x"), "unknown option --");
	assert_refused(PARSE("--json=yes"), "--json takes no value");
	assert_refused(PARSE("--no-color=1"), "--no-color takes no value");
	assert_refused(PARSE("--where"), "--where needs a value: --where EXPR");
}

static void a_failure_changes_no_target(void **state)
{
	(void)state;
	assert_refused(PARSE("--json", "-vv", "--set=a", "--window=9", "operand", "--bogus"), "--bogus");
	assert_false(got.json);
	assert_int_equal(got.verbose, 0);
	assert_int_equal(got.set.count, 0);
	assert_int_equal(got.window, 5);
}

static void help_stops_the_parsing(void **state)
{
	(void)state;
	struct parsed p = PARSE("--json", "--help", "--bogus");
	assert_int_equal(p.result, 0);
	assert_true(p.help);
	assert_true(got.json);
	p = PARSE("-vh");
	assert_true(p.help);
	assert_int_equal(got.verbose, 1);
	p = PARSE("--", "--help");
	assert_false(p.help);
	arguments_clear(&p.operands);
}

static const struct command commands[] = {
	{.name = "init", .operands = "", .summary = "writes an example", .max_operands = 0},
	{.name = "rollout plan",
	 .operands = "CONFIG[@V]",
	 .summary = "shows what would change",
	 .help = "First paragraph.\n\n  rollcall rollout plan web@3\n",
	 .min_operands = 1,
	 .max_operands = 1},
	{.name = "rollout start", .operands = "PLAN", .summary = "starts", .min_operands = 1, .max_operands = 2},
	{.name = "audit report", .operands = "RUN...", .summary = "reports", .min_operands = 1, .max_operands = -1},
	{.name = NULL},
};

static void assert_found(const char *first, const char *second, const char *name, int words)
{
	const char *const argv[] = {first, second};
	struct error err = ERROR_INIT;
	int consumed = 0;
	const struct command *found = command_find(commands, second != NULL ? 2 : 1, argv, &consumed, &err);
	assert_non_null(found);
	assert_string_equal(found->name, name);
	assert_int_equal(consumed, words);
}

static void assert_unknown(const char *first, const char *second, const char *words)
{
	const char *const argv[] = {first, second};
	struct error err = ERROR_INIT;
	int consumed = -7;
	assert_null(command_find(commands, first == NULL ? 0 : second != NULL ? 2 : 1, argv, &consumed, &err));
	assert_error(&err, ERROR_USAGE, words);
	assert_int_equal(consumed, -7);
}

static void commands_of_one_and_two_words(void **state)
{
	(void)state;
	assert_found("init", NULL, "init", 1);
	assert_found("init", "--force", "init", 1);
	assert_found("init", "operand", "init", 1);
	assert_found("rollout", "start", "rollout start", 2);
}

static void unknown_commands_are_explained(void **state)
{
	(void)state;
	assert_unknown(NULL, NULL, "no command given");
	assert_unknown("rollout", NULL, "\"rollout\" needs one of: plan, start");
	assert_unknown("rollout", "--json", "\"rollout\" needs one of: plan, start");
	assert_unknown("rollout", "strat", "unknown command \"rollout strat\"; did you mean \"rollout start\"?");
	assert_unknown("rollout", "explode", "after \"rollout\" comes one of: plan, start");
	assert_unknown("rolout", NULL, "did you mean \"rollout\"?");
	assert_unknown("rolout", "plan", "did you mean \"rollout plan\"?");
	assert_unknown("int", NULL, "did you mean \"init\"?");
	assert_unknown("xyzzy", "plugh", "unknown command \"xyzzy\"; --help lists");
	assert_unknown("--json", "init", "the command comes first");
	assert_unknown("", NULL, "unknown command \"\"");
	assert_unknown("roll", NULL, "unknown command \"roll\"");
}

static void operands_are_counted(void **state)
{
	(void)state;
	const char *items[] = {"one", "two", "three"};
	struct arguments args = {.items = items, .count = 0};
	struct error err = ERROR_INIT;
	assert_int_equal(command_check_operands("rollcall", &commands[1], &args, &err), -1);
	assert_error(&err, ERROR_USAGE, "missing; usage: rollcall rollout plan CONFIG[@V]");
	args.count = 1;
	assert_int_equal(command_check_operands("rollcall", &commands[1], &args, &err), 0);
	args.count = 3;
	assert_int_equal(command_check_operands("rollcall", &commands[2], &args, &err), -1);
	assert_error(&err, ERROR_USAGE, "too many: \"three\"; usage: rollcall rollout start PLAN");
	assert_int_equal(command_check_operands("rollcall", &commands[3], &args, &err), 0);
	args.count = 1;
	assert_int_equal(command_check_operands("rollcall", &commands[0], &args, &err), -1);
	assert_error(&err, ERROR_USAGE, "usage: rollcall init");
}

/* What print() writes to stdout; the caller's. */
static char *captured(void (*print)(void))
{
	char *folder = scratch_new();
	char *path = scratch_write(folder, "out", "");
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	assert_non_null(freopen(path, "w", stdout));
	print();
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	char *text = scratch_read(path, NULL);
	free(path);
	scratch_remove(folder);
	return text;
}

static void print_command_help(void)
{
	command_print_help("rollcall", &commands[1], own, global);
}

/* Where the options stand among the operands matters to some. */
static void print_help_of_a_wrapper(void)
{
	static const struct command wrapper = {
		.name = "launch", .operands = "[options] -- PROGRAM ARGS...", .summary = "becomes a program"};

	command_print_help("agentctl", &wrapper, own, NULL);
}

static void print_overview(void)
{
	commands_print_overview("rollcall", "Rolls out.", commands, global);
}

static void help_comes_from_the_tables(void **state)
{
	(void)state;
	char *text = captured(print_command_help);
	assert_text_has(text, "rollcall rollout plan CONFIG[@V] [options]\n\n  shows what would change\n");
	assert_text_has(text, "\n  First paragraph.\n\n    rollcall rollout plan web@3\n");
	assert_text_has(text, "\nOptions\n      --json              one document on stdout\n");
	assert_text_has(text, "  -w, --wait              wait until it is done\n");
	assert_text_has(text, "  -n, --window N          how many at once, counted in agents that are away for\n"
			      "                          any reason, in the whole run\n");
	assert_text_has(text, "\nEverywhere\n  -v, --verbose           say more\n");
	free(text);
	text = captured(print_help_of_a_wrapper);
	assert_text_has(text, "agentctl launch [options] -- PROGRAM ARGS...\n\n  becomes a program\n");
	free(text);
	text = captured(print_overview);
	assert_text_has(
		text, "rollcall COMMAND [options]\n\n  Rolls out.\n\nCommands\n  init            writes an example\n");
	assert_text_has(text, "  rollout start   starts\n");
	free(text);
}

static void distances(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		size_t distance;
	} rows[] = {
		{"", "", 0},       {"", "abc", 3},          {"abc", "", 3},         {"same", "same", 0},
		{"cat", "cut", 1}, {"form", "from", 1},     {"widow", "window", 1}, {"kitten", "sitting", 3},
		{"ca", "abc", 3},  {"abcdef", "fedcba", 5},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(suggest_distance(rows[i].a, rows[i].b), rows[i].distance);
		assert_int_equal(suggest_distance(rows[i].b, rows[i].a), rows[i].distance);
	}
	char longest[65];
	memset(longest, 'x', 64);
	longest[64] = '\0';
	assert_true(suggest_distance(longest, "x") == SIZE_MAX);
	longest[63] = '\0';
	assert_int_equal(suggest_distance(longest, "x"), 62);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_and_both_spellings),   cmocka_unit_test(letters),
		cmocka_unit_test(lists_keep_their_order),          cmocka_unit_test(after_two_dashes_all_are_operands),
		cmocka_unit_test(a_value_may_look_like_an_option), cmocka_unit_test(numbers_have_limits),
		cmocka_unit_test(unknown_options_are_explained),   cmocka_unit_test(a_failure_changes_no_target),
		cmocka_unit_test(help_stops_the_parsing),          cmocka_unit_test(commands_of_one_and_two_words),
		cmocka_unit_test(unknown_commands_are_explained),  cmocka_unit_test(operands_are_counted),
		cmocka_unit_test(help_comes_from_the_tables),      cmocka_unit_test(distances),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
