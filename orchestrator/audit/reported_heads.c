/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/reported_heads.h"

#include <string.h>

#include "base/digest.h"

#define HEX_LEN (DIGEST_HEX_SIZE - 1)

size_t reported_common(const struct buffer *one, const struct buffer *other)
{
	size_t len = one->len < other->len ? one->len : other->len, i = 0;

	while (i < len && one->data[i] == other->data[i])
		i++;
	return i;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The word of 64 hex digits around a place. */
static bool hash_at(const struct buffer *text, size_t at, char out[DIGEST_HEX_SIZE])
{
	size_t from = at, len = 0;

	while (from > 0 && is_hex(text->data[from - 1]))
		from--;
	while (from + len < text->len && is_hex(text->data[from + len]))
		len++;
	if (len != HEX_LEN)
		return false;
	memcpy(out, text->data + from, HEX_LEN);
	out[HEX_LEN] = '\0';
	return true;
}

static int is_later(struct store *store, const char *head, const char *than, int64_t until_ms, bool *out,
		    struct error *err)
{
	int64_t later = 0;

	if (store_find_int(store, &later, err,
			   "SELECT EXISTS (SELECT 1 FROM events WHERE hash = ?1 AND time_ms <= ?3 AND seq > "
			   "(SELECT seq FROM events WHERE hash = ?2))",
			   "tti", head, than, until_ms) < 0)
		return -1;
	*out = later != 0;
	return 0;
}

static void write_with(struct report_runs *runs, size_t from, const char *head, enum report_format format,
		       struct buffer *made)
{
	for (size_t i = from; i < runs->count; i++)
		memcpy(runs->views[i].head, head, DIGEST_HEX_SIZE);
	buffer_clear(made);
	report_write(runs, format, made);
}

int reported_take_heads(struct store *store, enum report_format format, int64_t until_ms, const struct buffer *file,
			struct report_runs *runs, struct buffer *made, struct error *err)
{
	/* Whether a run has the head of the one before it shows where the two texts differ then. */
	for (size_t i = 1; i < runs->count; i++) {
		size_t at = reported_common(file, made);
		char head[DIGEST_HEX_SIZE], before[DIGEST_HEX_SIZE];
		bool later = false;

		if (at == file->len || !hash_at(file, at, head))
			return 0;
		memcpy(before, runs->views[i - 1].head, sizeof before);
		if (is_later(store, head, before, until_ms, &later, err) < 0)
			return -1;
		if (!later)
			return 0;
		write_with(runs, i, head, format, made);
		if (reported_common(file, made) <= at)
			write_with(runs, i, before, format, made);
	}
	return 0;
}
