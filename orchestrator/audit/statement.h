/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_STATEMENT_H
#define ORCHESTRATOR_AUDIT_STATEMENT_H
/*
 * What is signed: a few lines of text that say where the ledger's chain stood, for people as well as for programs.
 *
 *	rollcall ledger head
 *	database 5f0c…                     (32 hex digits: the database's UUID)
 *	event 1234
 *	head 9a41…                         (64 hex digits: that event's hash)
 *	recorded 2026-11-23T12:25:03.120Z  (when that event was)
 *	signed 2026-11-23T12:30:00.000Z
 *	by anna@admin1
 */
#include <stdint.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"

#define STATEMENT_MAX 4096

struct statement {
	char database[64];
	int64_t seq;
	char head[DIGEST_HEX_SIZE];
	int64_t recorded_ms, signed_ms;
	char by[256];
};

void statement_write(const struct statement *statement, struct buffer *out);

/* ERROR_CORRUPT names the line that is wrong. */
int statement_read(const char *source, const char *text, struct statement *out, struct error *err);

#endif
