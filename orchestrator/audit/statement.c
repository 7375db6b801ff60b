/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/statement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "inventory/moment.h"

static const char title[] = "rollcall ledger head";

void statement_write(const struct statement *statement, struct buffer *out)
{
	char recorded[CLOCK_TEXT_MAX], when[CLOCK_TEXT_MAX];

	buffer_printf(out, "%s\ndatabase %s\nevent %" PRId64 "\nhead %s\nrecorded %s\nsigned %s\nby %s\n", title,
		      statement->database, statement->seq, statement->head,
		      clock_format(statement->recorded_ms, recorded), clock_format(statement->signed_ms, when),
		      statement->by);
}

/* The value of the line that begins with name, and moves *text behind it. */
static int take_line(const char *source, const char **text, const char *name, char *out, size_t size, struct error *err)
{
	size_t begin = strlen(name), len = strcspn(*text, "\n");

	if (len <= begin + 1 || len - begin - 1 >= size || strncmp(*text, name, begin) != 0 || (*text)[begin] != ' ' ||
	    (*text)[len] != '\n')
		return error_set(err, ERROR_CORRUPT, "%s: the line \"%s …\" of a signed head is missing or damaged",
				 source, name);
	memcpy(out, *text + begin + 1, len - begin - 1);
	out[len - begin - 1] = '\0';
	*text += len + 1;
	return 0;
}

static int take_time(const char *source, const char **text, const char *name, int64_t *out, struct error *err)
{
	char value[64];

	if (take_line(source, text, name, value, sizeof(value), err) < 0)
		return -1;
	if (moment_read_date(value, out))
		return 0;
	return error_set(err, ERROR_CORRUPT, "%s: \"%s %s\" is no time", source, name, value);
}

static int take_number(const char *source, const char **text, int64_t *out, struct error *err)
{
	char value[32];

	if (take_line(source, text, "event", value, sizeof(value), err) < 0)
		return -1;
	if (strspn(value, "0123456789") != strlen(value) || strlen(value) > 18)
		return error_set(err, ERROR_CORRUPT, "%s: \"event %s\" is no number", source, value);
	*out = strtoll(value, NULL, 10);
	return 0;
}

int statement_read(const char *source, const char *text, struct statement *out, struct error *err)
{
	struct statement found = {.seq = 0};
	size_t first = strlen(title);

	if (strncmp(text, title, first) != 0 || text[first] != '\n')
		return error_set(err, ERROR_CORRUPT, "%s: no signed head of a ledger: it begins with \"%s\"", source,
				 title);
	text += first + 1;
	if (take_line(source, &text, "database", found.database, sizeof(found.database), err) < 0 ||
	    take_number(source, &text, &found.seq, err) < 0 ||
	    take_line(source, &text, "head", found.head, sizeof(found.head), err) < 0 ||
	    take_time(source, &text, "recorded", &found.recorded_ms, err) < 0 ||
	    take_time(source, &text, "signed", &found.signed_ms, err) < 0 ||
	    take_line(source, &text, "by", found.by, sizeof(found.by), err) < 0)
		return -1;
	*out = found;
	return 0;
}
