/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a master's answer. The first says which answer it claims to be, the second in what pieces it comes: it is refused with
 * a reason, or read, and in both cases the pieces make no difference; nor does it when agents are taken as they lie there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "remote/master_parse.h"
#include "tests/support/packed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static const struct {
	enum master_answer answer;
	bool protobuf;
	unsigned want;
} kinds[] = {
	{ANSWER_GET_AGENTS, true, 0},      {ANSWER_GET_AGENTS, false, 0},     {ANSWER_GET_TASKS, true, 0},
	{ANSWER_GET_TASKS, false, 0},      {ANSWER_GET_FRAMEWORKS, true, 0},  {ANSWER_GET_FRAMEWORKS, false, 0},
	{ANSWER_GET_MASTER, true, 0},      {ANSWER_GET_MASTER, false, 0},     {ANSWER_SLAVES, false, 0},
	{ANSWER_STATE, false, WANT_TASKS}, {ANSWER_STATE, false, WANT_FACTS}, {ANSWER_FLAGS, false, 0},
	{ANSWER_METRICS, false, 0},
};

static struct master_snapshot *read_in(size_t kind, const uint8_t *data, size_t size, size_t piece, struct error *err)
{
	struct master_snapshot *snapshot = xcalloc(1, sizeof(*snapshot));
	const struct master_taker taker = master_snapshot_taker(snapshot);
	struct master_reading reading = {
		.answer = kinds[kind].answer,
		.url = "http://m",
		.protobuf = kinds[kind].protobuf,
		.want = kinds[kind].want,
		.taker = &taker,
		.facts = &snapshot->facts,
	};
	struct master_reader *reader = master_reader_new(&reading);
	int result = 0;
	for (size_t at = 0; at < size && result == 0; at += piece) {
		size_t take = size - at < piece ? size - at : piece;
		char *copy = xmemdup(data + at, take); /* so that reading past its end is seen */
		result = master_reader_feed(reader, copy, take, err);
		free(copy);
	}
	if (result == 0)
		result = master_reader_finish(reader, err);
	if (result == 0)
		result = master_snapshot_settle(snapshot, err);
	master_reader_free(reader);
	must((result < 0) == (err->kind != ERROR_NONE));
	must(result == 0 || err->kind == ERROR_CORRUPT);
	return snapshot;
}

static void compare_packed(size_t kind, const uint8_t *data, size_t size)
{
	struct packed_reading quick, thorough;
	packed_read(kinds[kind].answer, kinds[kind].protobuf, data, size, true, &quick);
	packed_read(kinds[kind].answer, kinds[kind].protobuf, data, size, false, &thorough);
	must(packed_equal(&quick, &thorough));
	packed_clear(&quick);
	packed_clear(&thorough);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error whole_error = ERROR_INIT, error = ERROR_INIT;
	if (size < 2)
		return 0;
	size_t kind = data[0] % (sizeof(kinds) / sizeof(kinds[0])), piece = data[1] + (size_t)1;
	struct master_snapshot *whole = read_in(kind, data + 2, size - 2, size, &whole_error);
	struct master_snapshot *pieces = read_in(kind, data + 2, size - 2, piece, &error);
	must(whole_error.kind == error.kind);
	must(strcmp(whole_error.text, error.text) == 0);
	must(whole->agent_count == pieces->agent_count && whole->task_count == pieces->task_count &&
	     whole->framework_count == pieces->framework_count);
	master_snapshot_free(whole);
	master_snapshot_free(pieces);
	if (kinds[kind].answer == ANSWER_GET_AGENTS || kinds[kind].answer == ANSWER_SLAVES)
		compare_packed(kind, data + 2, size - 2);
	return 0;
}
