/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_ANSWER_H
#define TESTS_SUPPORT_ANSWER_H
/* Bytes as a master's answer from http://m/x, into a snapshot. */
#include <stdbool.h>
#include <stddef.h>

#include "remote/master_parse.h"

/* Which answer they claim to be. */
struct answer_kind {
	enum master_answer answer;
	bool protobuf;
	unsigned want;
};
typedef const struct answer_kind parser;
extern parser get_agents[], get_agents_protobuf[], get_tasks[], get_frameworks[], get_master[], slaves[], flags[],
	state_tasks[], state_facts[];

/* NULL with err, whose text begins with the URL. The caller's. piece: they come in so many bytes at a time. */
struct master_snapshot *try_pieces(parser *parse, const void *data, size_t len, size_t piece, struct error *err);
struct master_snapshot *try_bytes(parser *parse, const void *data, size_t len, struct error *err);

#endif
