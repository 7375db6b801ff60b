/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/answer.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"

parser get_agents[] = {{ANSWER_GET_AGENTS, false, 0}}, get_agents_protobuf[] = {{ANSWER_GET_AGENTS, true, 0}},
       get_tasks[] = {{ANSWER_GET_TASKS, false, 0}}, get_frameworks[] = {{ANSWER_GET_FRAMEWORKS, false, 0}},
       get_master[] = {{ANSWER_GET_MASTER, false, 0}}, slaves[] = {{ANSWER_SLAVES, false, 0}},
       flags[] = {{ANSWER_FLAGS, false, 0}}, state_tasks[] = {{ANSWER_STATE, false, WANT_TASKS}},
       state_facts[] = {{ANSWER_STATE, false, WANT_FACTS}};

/* Fed in pieces of that many bytes, the last one in what is left. */
static int read_pieces(parser *parse, const char *data, size_t len, size_t piece, struct master_snapshot *snapshot,
		       struct error *err)
{
	const struct master_taker taker = master_snapshot_taker(snapshot);
	struct master_reading reading = {
		.answer = parse->answer,
		.url = "http://m/x",
		.protobuf = parse->protobuf,
		.want = parse->want,
		.taker = &taker,
		.facts = &snapshot->facts,
	};
	struct master_reader *reader = master_reader_new(&reading);
	int result = 0;
	for (size_t at = 0; at < len && result == 0; at += piece) {
		size_t take = len - at < piece ? len - at : piece;
		char *copy = xmemdup(data + at, take); /* so that reading past its end is seen */
		result = master_reader_feed(reader, copy, take, err);
		free(copy);
	}
	if (result == 0)
		result = master_reader_finish(reader, err);
	master_reader_free(reader);
	if (result == 0 && master_snapshot_settle(snapshot, err) < 0)
		result = error_prefix(err, "http://m/x");
	return result;
}

struct master_snapshot *try_pieces(parser *parse, const void *data, size_t len, size_t piece, struct error *err)
{
	struct master_snapshot *snapshot = xcalloc(1, sizeof(*snapshot));
	int result = read_pieces(parse, data, len, piece, snapshot, err);
	assert_int_equal(result < 0, err->kind != ERROR_NONE);
	if (result == 0)
		return snapshot;
	assert_memory_equal(err->text, "http://m/x: ", 12);
	master_snapshot_free(snapshot);
	return NULL;
}

struct master_snapshot *try_bytes(parser *parse, const void *data, size_t len, struct error *err)
{
	return try_pieces(parse, data, len, len + 1, err);
}
