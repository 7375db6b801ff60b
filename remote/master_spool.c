/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/master_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "remote/master_parse.h"

/* Agents, tasks, frameworks; or /slaves and /state. */
#define ANSWERS_MAX 4
#define PIECE       (256u << 10)

struct spooled {
	enum master_answer answer;
	char *url;
	bool protobuf;
	off_t from, len;
};

struct master_spool {
	int fd;
	struct spooled answers[ANSWERS_MAX];
	size_t count;
	off_t len;
};

static const char *folder(void)
{
	const char *given = getenv("TMPDIR");
	return given != NULL && given[0] == '/' ? given : "/tmp";
}

static int open_nameless(struct error *err)
{
	int fd = open(folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* Not every filesystem knows O_TMPFILE. */
	char *path = xasprintf("%s/rollcall-XXXXXX", folder());
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	else
		error_errno(err, ERROR_SYSTEM, errno, "no temporary file can be made in %s (set TMPDIR)", folder());
	free(path);
	return fd;
}

struct master_spool *master_spool_new(struct error *err)
{
	int fd = open_nameless(err);
	if (fd < 0)
		return NULL;
	struct master_spool *spool = xcalloc(1, sizeof(*spool));
	spool->fd = fd;
	return spool;
}

void master_spool_free(struct master_spool *spool)
{
	if (spool == NULL)
		return;
	close(spool->fd);
	for (size_t i = 0; i < spool->count; i++)
		free(spool->answers[i].url);
	free(spool);
}

void master_spool_begin(struct master_spool *spool, enum master_answer answer, const char *url, bool protobuf)
{
	if (spool->count == ANSWERS_MAX)
		abort(); /* there are no more steps than that */
	spool->answers[spool->count++] =
		(struct spooled){.answer = answer, .url = xstrdup(url), .protobuf = protobuf, .from = spool->len};
}

int master_spool_add(struct master_spool *spool, const void *data, size_t len, struct error *err)
{
	const char *at = data;
	spool->answers[spool->count - 1].len += (off_t)len;
	while (len > 0) {
		ssize_t written = pwrite(spool->fd, at, len, spool->len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return error_errno(err, ERROR_SYSTEM, written < 0 ? errno : ENOSPC,
					   "the master's answer has no room in %s (set TMPDIR)", folder());
		at += written;
		len -= (size_t)written;
		spool->len += written;
	}
	return 0;
}

/* The spool's bytes from an offset on, piece by piece. */
static int for_pieces(const struct master_spool *spool, off_t from, off_t len,
		      int (*take)(void *ctx, const char *data, size_t len, struct error *err), void *ctx,
		      struct error *err)
{
	char *piece = xmalloc(PIECE);
	int result = 0;
	while (len > 0 && result == 0) {
		ssize_t got = pread(spool->fd, piece, len < (off_t)PIECE ? (size_t)len : PIECE, from);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			result = error_errno(err, ERROR_SYSTEM, got < 0 ? errno : EIO,
					     "the temporary file in %s cannot be read back", folder());
		else
			result = take(ctx, piece, (size_t)got, err);
		from += got;
		len -= got;
	}
	free(piece);
	return result;
}

static int add_to_hash(void *ctx, const char *data, size_t len, struct error *err)
{
	(void)err;
	quickhash_add(ctx, data, len);
	return 0;
}

int master_spool_hash(const struct master_spool *spool, const struct quickhash_key *key,
		      unsigned char out[QUICKHASH_SIZE], struct error *err)
{
	struct quickhash *state = quickhash_start(key);
	for (size_t i = 0; i < spool->count; i++) {
		const struct spooled *answer = &spool->answers[i];
		uint64_t head[] = {answer->answer, answer->protobuf, (uint64_t)answer->len};
		quickhash_add(state, head, sizeof(head));
	}
	int result = for_pieces(spool, 0, spool->len, add_to_hash, state, err);
	quickhash_end(state, out);
	return result;
}

static int feed(void *ctx, const char *data, size_t len, struct error *err)
{
	return master_reader_feed(ctx, data, len, err);
}

static int read_answer(const struct master_spool *spool, const struct spooled *answer, const struct master_taker *taker,
		       struct error *err)
{
	struct master_facts unused = {.version = NULL};
	struct master_reading reading = {
		.answer = answer->answer,
		.url = answer->url,
		.protobuf = answer->protobuf,
		.want = WANT_TASKS,
		.taker = taker,
		.facts = &unused,
	};
	struct master_reader *reader = master_reader_new(&reading);
	int result = for_pieces(spool, answer->from, answer->len, feed, reader, err);
	if (result == 0)
		result = master_reader_finish(reader, err);
	master_reader_free(reader);
	master_facts_clear(&unused);
	return result;
}

int master_spool_read(const struct master_spool *spool, const struct master_taker *taker, struct error *err)
{
	for (size_t i = 0; i < spool->count; i++) {
		if (read_answer(spool, &spool->answers[i], taker, err) < 0)
			return -1;
	}
	return 0;
}
