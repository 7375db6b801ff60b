/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_MOMENT_H
#define INVENTORY_MOMENT_H
/*
 * Times as people write them.
 *
 *	2h  90s  15mins  1.5d  "2h ago"                   so long before now
 *	2026-11-23  2026-11-23T12:25  2026-11-23T12:25:03.120Z  2026-11-23T12:25+01:00
 *	now
 *
 * A date without a zone is UTC, as everything rollcall prints. A blank may stand for the T.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Units: ms s sec secs second(s), m min mins minute(s), h hr hrs hour(s), d day(s), w week(s). false: no duration. */
bool moment_read_span(const char *text, int64_t *ms);

/* A date, in milliseconds since 1970 UTC. false: none. */
bool moment_read_date(const char *text, int64_t *wall_ms);

/* Any of the above. ERROR_USAGE says what can be written; source names the argument ("--at"). */
int moment_parse(const char *source, const char *text, int64_t now_ms, int64_t *wall_ms, struct error *err);

#endif
