/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics against a strict reader of the text exposition format, and their figures. */
#include <ctype.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "orchestrator/report/prometheus.h"
#include "tests/support/cmocka.h"

/* ---- a reader that takes nothing but the format */

struct family {
	char name[128], type[16];
	bool has_samples;
};

struct reader {
	const char *at;
	struct family families[64];
	size_t count;
	char *samples[512]; /* "name{labels}", each only once */
	double values[512];
	size_t sample_count;
};

static void want(struct reader *reader, const char *text)
{
	if (strncmp(reader->at, text, strlen(text)) != 0)
		fail_msg("\"%s\" was expected at \"%.60s\"", text, reader->at);
	reader->at += strlen(text);
}

static size_t read_name(struct reader *reader, char *out, size_t size, bool colon)
{
	size_t len = 0;

	while (isalnum((unsigned char)reader->at[len]) || reader->at[len] == '_' || (colon && reader->at[len] == ':'))
		len++;
	assert_in_range(len, 1, size - 1);
	assert_false(isdigit((unsigned char)reader->at[0]));
	memcpy(out, reader->at, len);
	out[len] = '\0';
	reader->at += len;
	return len;
}

static void read_head(struct reader *reader)
{
	struct family *family = &reader->families[reader->count++];
	char name[128];

	assert_in_range(reader->count, 1, 64);
	want(reader, "# HELP ");
	read_name(reader, family->name, sizeof(family->name), true);
	want(reader, " ");
	assert_true(*reader->at != '\n');
	reader->at += strcspn(reader->at, "\n");
	want(reader, "\n# TYPE ");
	read_name(reader, name, sizeof(name), true);
	assert_string_equal(name, family->name);
	want(reader, " ");
	read_name(reader, family->type, sizeof(family->type), false);
	if (strcmp(family->type, "gauge") != 0 && strcmp(family->type, "histogram") != 0)
		fail_msg("unknown type %s", family->type);
	want(reader, "\n");
	for (size_t i = 0; i + 1 < reader->count; i++)
		assert_string_not_equal(reader->families[i].name, family->name);
}

static void read_label_value(struct reader *reader)
{
	want(reader, "\"");
	for (; *reader->at != '"'; reader->at++) {
		assert_true(*reader->at != '\n' && *reader->at != '\0');
		if (*reader->at == '\\') {
			reader->at++;
			assert_non_null(memchr("\\\"n", *reader->at, 3));
		}
	}
	want(reader, "\"");
}

static void read_labels(struct reader *reader)
{
	char names[8][64];
	size_t count = 0;

	want(reader, "{");
	do {
		assert_in_range(count, 0, 7);
		read_name(reader, names[count], sizeof(names[0]), false);
		for (size_t i = 0; i < count; i++)
			assert_string_not_equal(names[i], names[count]);
		count++;
		want(reader, "=");
		read_label_value(reader);
	} while (*reader->at == ',' && reader->at++);
	want(reader, "}");
}

/* A sample is of the family whose head came last: families are not mixed. */
static void check_family(struct reader *reader, const char *name)
{
	struct family *family;
	size_t len;

	assert_true(reader->count > 0);
	family = &reader->families[reader->count - 1];
	len = strlen(family->name);
	if (strncmp(name, family->name, len) != 0)
		fail_msg("%s stands below %s", name, family->name);
	if (strcmp(family->type, "histogram") == 0)
		assert_true(strcmp(name + len, "_bucket") == 0 || strcmp(name + len, "_sum") == 0 ||
			    strcmp(name + len, "_count") == 0);
	else
		assert_string_equal(name + len, "");
	family->has_samples = true;
}

static void read_sample(struct reader *reader)
{
	const char *start = reader->at;
	char name[128], *end;

	read_name(reader, name, sizeof(name), true);
	check_family(reader, name);
	if (*reader->at == '{')
		read_labels(reader);
	reader->samples[reader->sample_count] = xstrndup(start, (size_t)(reader->at - start));
	for (size_t i = 0; i < reader->sample_count; i++)
		assert_string_not_equal(reader->samples[i], reader->samples[reader->sample_count]);
	want(reader, " ");
	if (strncmp(reader->at, "+Inf", 4) == 0) {
		reader->values[reader->sample_count++] = 1e300;
		reader->at += 4;
	} else {
		assert_true(isdigit((unsigned char)*reader->at) || *reader->at == '-');
		reader->values[reader->sample_count++] = strtod(reader->at, &end);
		reader->at = end;
	}
	want(reader, "\n");
}

static void read_all(struct reader *reader, const struct run_metrics *metrics)
{
	struct buffer text = BUFFER_INIT(PROMETHEUS_MAX);

	memset(reader, 0, sizeof(*reader));
	prometheus_write(metrics, &text);
	assert_false(text.overflow);
	for (reader->at = buffer_text(&text); *reader->at;)
		if (*reader->at == '#')
			read_head(reader);
		else
			read_sample(reader);
	for (size_t i = 0; i < reader->count; i++)
		assert_true(reader->families[i].has_samples);
	buffer_clear(&text);
}

static void reader_clear(struct reader *reader)
{
	for (size_t i = 0; i < reader->sample_count; i++)
		free(reader->samples[i]);
}

static double value(const struct reader *reader, const char *sample)
{
	for (size_t i = 0; i < reader->sample_count; i++)
		if (strcmp(reader->samples[i], sample) == 0)
			return reader->values[i];
	fail_msg("there is no %s", sample);
	return 0;
}

/* ---- the figures */

static struct metrics_agent agents[] = {{0, 0}, {1000, 3000}, {1000, 80000}, {100000, 0}, {1000, 701000}};

static struct run_metrics a_run(void)
{
	struct run_metrics metrics = {.run = "r-1",
				      .cluster = "lab",
				      .config = "web",
				      .plan = "0123",
				      .config_version = 3,
				      .state = "running",
				      .created_ms = 1000,
				      .progress_ms = 101500,
				      .now_ms = 103000,
				      .window = 4,
				      .max_failures = 2,
				      .failures = 1,
				      .agents = agents,
				      .count = 5};

	metrics.by_state[AGENT_WAITING] = 1;
	metrics.by_state[AGENT_DONE] = 3;
	metrics.by_state[AGENT_RETURNING] = 1;
	metrics.queue = (struct outgoing_counts){.waiting = 7, .dead = 2, .oldest_ms = 3000};
	return metrics;
}

static void figures_are_as_they_are(void **state)
{
	static struct reader reader;
	struct run_metrics metrics = a_run();

	(void)state;
	read_all(&reader, &metrics);
	assert_true(value(&reader, "rollcall_agents{run=\"r-1\",state=\"done\"}") == 3);
	assert_true(value(&reader, "rollcall_agents{run=\"r-1\",state=\"stuck\"}") == 0);
	assert_true(value(&reader, "rollcall_window_used{run=\"r-1\"}") == 1);
	assert_true(value(&reader, "rollcall_window{run=\"r-1\"}") == 4);
	assert_true(value(&reader, "rollcall_failure_budget_left{run=\"r-1\"}") == 1);
	assert_true(value(&reader, "rollcall_run_state{run=\"r-1\",state=\"running\"}") == 1);
	assert_true(value(&reader, "rollcall_run_state{run=\"r-1\",state=\"paused\"}") == 0);
	assert_true(value(&reader, "rollcall_seconds_since_progress{run=\"r-1\"}") == 1.5);
	assert_true(value(&reader, "rollcall_longest_away_seconds{run=\"r-1\"}") == 3);
	assert_true(value(&reader, "rollcall_outgoing_waiting{run=\"r-1\",cluster=\"lab\"}") == 7);
	assert_true(value(&reader, "rollcall_outgoing_oldest_seconds{run=\"r-1\"}") == 100);
	reader_clear(&reader);
}

static void buckets_add_up(void **state)
{
	static struct reader reader;
	struct run_metrics metrics = a_run();

	(void)state;
	read_all(&reader, &metrics);
	assert_true(value(&reader, "rollcall_agent_away_seconds_bucket{run=\"r-1\",le=\"1\"}") == 0);
	assert_true(value(&reader, "rollcall_agent_away_seconds_bucket{run=\"r-1\",le=\"2\"}") == 1);
	assert_true(value(&reader, "rollcall_agent_away_seconds_bucket{run=\"r-1\",le=\"75\"}") == 1);
	assert_true(value(&reader, "rollcall_agent_away_seconds_bucket{run=\"r-1\",le=\"120\"}") == 2);
	assert_true(value(&reader, "rollcall_agent_away_seconds_bucket{run=\"r-1\",le=\"600\"}") == 2);
	assert_true(value(&reader, "rollcall_agent_away_seconds_bucket{run=\"r-1\",le=\"+Inf\"}") == 3);
	assert_true(value(&reader, "rollcall_agent_away_seconds_count{run=\"r-1\"}") == 3);
	assert_true(value(&reader, "rollcall_agent_away_seconds_sum{run=\"r-1\"}") == 781);
	reader_clear(&reader);
}

static void labels_are_escaped(void **state)
{
	static struct reader reader;
	struct run_metrics metrics = a_run();

	(void)state;
	metrics.state = "paused";
	metrics.reason = "paused by \"anna\"\\x\nand \x1b[31m\xff";
	metrics.max_failures = -1;
	read_all(&reader, &metrics);
	assert_true(value(&reader, "rollcall_run_stopped_info{run=\"r-1\",code=\"operator\",reason=\"paused by "
				   "\\\"anna\\\"\\\\x\\nand ?[31m?\"}") == 1);
	assert_true(value(&reader, "rollcall_failure_budget_left{run=\"r-1\"}") > 1e200);
	reader_clear(&reader);
}

/* As the engine says them. */
static void reasons_have_codes(void **state)
{
	(void)state;
	assert_string_equal(prometheus_reason_code("the failure budget is spent: 3 agents failed, 2 may"), "budget");
	assert_string_equal(prometheus_reason_code("2 agents have failed one after the other: 2 in a row stop the run"),
			    "budget");
	assert_string_equal(prometheus_reason_code("the gate after stage 1 has failed: the budget"), "gate");
	assert_string_equal(prometheus_reason_code("interrupted by the operator"), "operator");
	assert_string_equal(prometheus_reason_code("an agent needs a person: it is not as it was"), "person");
	assert_string_equal(prometheus_reason_code("no master answers, for longer than 5 min"), "master");
	assert_string_equal(prometheus_reason_code("9 of the cluster's 20 agents are unreachable or inactive"),
			    "cluster");
	assert_string_equal(prometheus_reason_code("no room in the window: 3 agents are away, 1 may be"), "window");
	assert_string_equal(prometheus_reason_code("rolled back by run r-2"), "rollback");
	assert_string_equal(prometheus_reason_code("something else"), "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_as_they_are),
		cmocka_unit_test(buckets_add_up),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(reasons_have_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
