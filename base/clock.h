/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
/* Time: monotonic milliseconds for waiting, which pass while the machine sleeps too; wall-clock milliseconds since 1970 UTC
 * for people. */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

int64_t clock_monotonic_ms(void);
int64_t clock_wall_ms(void);

/* "2026-11-23T12:25:03.120Z"; size of out at least CLOCK_TEXT_MAX. Returns out. */
#define CLOCK_TEXT_MAX 32
char *clock_format(int64_t wall_ms, char *out);

/* "0.4 s", "12.3 s", "4 min 10 s", "2 h 5 min"; size of out at least CLOCK_TEXT_MAX. Returns out. */
char *clock_format_span(int64_t ms, char *out);

/* A Mesos duration ("15secs", "10mins", "1.5hrs", "500ms", "2days", "1weeks", "100us", "5ns") in milliseconds,
 * rounded down. ERROR_USAGE when malformed. */
int clock_parse_duration(const char *text, int64_t *ms, struct error *err);

#endif
