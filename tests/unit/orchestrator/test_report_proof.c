/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of an agent, field by field: each is in every format, so that none gets lost unnoticed. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "mesos/slaveinfo.h"
#include "tests/support/report_fixture.h"

static json_t *line(const char *what, json_t *planned, json_t *found, bool ok)
{
	return json_pack("{s:s, s:o, s:o, s:b}", "what", what, "planned", planned, "found", found, "ok", ok);
}

static json_t *task(const char *name, const char *state)
{
	return json_pack("{s:s, s:s, s:s}", "task", name, "framework", "F", "state", state);
}

/* As the driver makes it; no two fields look alike. */
static char *proof_of(const struct plan_agent *agent)
{
	json_t *lines = json_array();

	json_array_append_new(lines, line("id", json_string("S0"), json_string("X7"), false));
	json_array_append_new(lines, line("reregistered_time", json_null(), json_integer(1700000050000000000), true));
	json_array_append_new(lines, line("active", json_true(), json_true(), true));
	json_array_append_new(lines, line("deactivated", json_true(), json_false(), false));
	json_array_append_new(
		lines, line("slave_info", slaveinfo_to_json(agent->after), slaveinfo_to_json(agent->before), false));
	json_array_append_new(
		lines, line("checkpoint", slaveinfo_to_json(agent->after), slaveinfo_to_json(agent->after), true));
	json_array_append_new(lines, line("process", json_string("younger than the operation"),
					  json_pack("{s:i, s:i, s:s}", "pid", 4711, "start_ticks", 123456, "boot_id",
						    "d636ee56-d21b"),
					  true));
	json_array_append_new(lines, line("flag attributes", json_string("rack:r2"), json_string("rack:r9"), false));
	json_t *proof = json_pack("{s:s, s:s, s:o, s:{s:[o], s:[o], s:[], s:[], s:[o]}, s:[{s:s, s:s, s:f, s:f, s:b}]}",
				  "result", "fail", "of", "the planned state", "lines", lines, "tasks", "survived",
				  task("web.kept", "TASK_RUNNING"), "killed", task("web.killed", "TASK_LOST"),
				  "unproven", "ended", "new", task("web.new", "TASK_RUNNING"), "resources", "name",
				  "mem", "role", "db", "used", 2048.0, "total", 1500.0, "over", 1);
	char *text = json_dumps(proof, JSON_COMPACT);

	json_decref(proof);
	return text;
}

static void open_one(struct report_fixture *fixture)
{
	struct error err = ERROR_INIT;

	report_fixture_open(fixture, 1, "anna@admin1");
	report_fixture_begin(fixture, "paused", "an agent needs a person");
	char *proof = proof_of(&fixture->plan.agents[0]);
	const struct run_agent row = {.run = (char *)(uintptr_t)REPORT_RUN,
				      .agent_id = fixture->plan.agents[0].agent_id,
				      .hostname = fixture->plan.agents[0].hostname,
				      .state = (char *)(uintptr_t) "stuck",
				      .attempt = 1,
				      .operation = (char *)(uintptr_t) "0badcafe",
				      .before = (char *)(uintptr_t) "{\"reregistered_ns\":1700000001000000000}",
				      .proof = proof,
				      .away_from_ms = 1700000020000,
				      .away_until_ms = 1700000026500};
	ledger_put_agent(fixture->ledger, &row);
	assert_ok(ledger_commit(fixture->ledger, &err), &err);
	free(proof);
	report_fixture_load(fixture);
}

/* What says a field, in the formats for people, in the document, and in the table. NULL: not there. */
static const struct {
	const char *field, *people, *json, *csv;
} fields[] = {
	{"ID before and after", "S0 before, X7 AFTER", "\"id_after\": \"X7\"", "\"S0\",\"node0.example.com\""},
	{"is the ID the same", "X7, not S0", "\"id_before\": \"S0\"", "\"X7\",\"no\""},
	{"reregistered before", "before: 2023-11-14T22:13:21.000Z", "\"reregistered_before_ns\": 1700000001000000000",
	 "\"2023-11-14T22:13:21.000Z\""},
	{"reregistered after", "2023-11-14T22:14:10.000Z", "\"reregistered_after_ns\": 1700000050000000000",
	 "\"2023-11-14T22:14:10.000Z\""},
	{"process", "4711, started 1234.56 s after its host's boot d636ee56, younger than the operation",
	 "\"start_ticks\": 123456", "4711, started 1234.56 s after"},
	{"flag as planned", "rack:r2", "\"planned\": \"rack:r2\"", "--attributes=rack:r2"},
	{"flag as found", "rack:r9, not rack:r2", "\"found\": \"rack:r9\"", "--attributes=rack:r9"},
	{"SlaveInfo before", "cpus:4; mem:1024", "\"slave_info_before\"", "cpus:4; mem:1024"},
	{"SlaveInfo as planned", "mem:512", "\"slave_info_planned\"", "mem:512"},
	{"SlaveInfo as found", "resources mem is 1024, not 512", "\"slave_info_found\"", "\"differs\""},
	{"active", "active: true", "\"what\": \"active\"", "\"true\""},
	{"deactivated", "deactivated: false, not true", "\"what\": \"deactivated\"", "\"false, not true\""},
	{"checkpoint", "the same SlaveInfo, on the host's disk", "\"what\": \"checkpoint\"", "\"ok\""},
	{"tasks that survived", "1 survived: web.kept", "\"survived\"", "\"web.kept\""},
	{"tasks that were killed", "1 killed: web.killed (of marathon)", "\"killed\"", "\"web.killed\""},
	{"new tasks", "1 new: web.new", "\"new\"", "\"web.new\""},
	{"time away", "6.5 s of the 1 min 15 s", "\"away_seconds\": 6.5", ",6.500,"},
	{"the master's budget", "1 min 15 s that the master waits", "\"away_budget_seconds\": 75.0", ",75.000"},
	{"over-commitment", "mem(db) 2048 of 1500, OVER", "\"over\": true", "mem(db) 2048 of 1500, OVER"},
};

/* Without markup, entities and escapes: what a reader reads. */
static char *plain(const char *text, enum report_format format)
{
	static const struct {
		const char *code, *text;
	} codes[] = {{"&#39;", "'"}, {"&quot;", "\""}, {"&#61;", "="}, {"&amp;", "&"}};
	struct buffer out = BUFFER_INIT(REPORT_MAX);

	for (const char *at = text; *at; at++) {
		size_t i = 0;

		while (i < 4 && strncmp(at, codes[i].code, strlen(codes[i].code)) != 0)
			i++;
		if (i < 4) {
			buffer_puts(&out, codes[i].text);
			at += strlen(codes[i].code) - 1;
		} else if (format == REPORT_HTML && *at == '<') {
			at += strcspn(at, ">");
		} else if (format != REPORT_MARKDOWN || *at != '\\') {
			buffer_putc(&out, *at);
		}
		if (!*at)
			break;
	}
	return buffer_take(&out);
}

static char *write_plain(const struct report_fixture *fixture, enum report_format format)
{
	struct buffer out = BUFFER_INIT(REPORT_MAX);

	report_write(&fixture->runs, format, &out);
	if (format == REPORT_JSON || format == REPORT_CSV)
		return buffer_take(&out);
	char *text = plain(buffer_text(&out), format);

	buffer_clear(&out);
	return text;
}

static void every_field_is_in_every_format(void **state)
{
	struct report_fixture fixture;

	(void)state;
	open_one(&fixture);
	for (int format = 0; format < REPORT_FORMAT_COUNT; format++) {
		char *text = write_plain(&fixture, (enum report_format)format);

		for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
			const char *words = format == REPORT_JSON  ? fields[i].json
					    : format == REPORT_CSV ? fields[i].csv
								   : fields[i].people;

			if (!strstr(text, words))
				fail_msg("%s: %s is not there: %s\n%s", report_format_names[format], fields[i].field,
					 words, text);
		}
		free(text);
	}
	report_fixture_close(&fixture);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_in_every_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
