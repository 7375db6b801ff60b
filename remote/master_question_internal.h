/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_MASTER_QUESTION_INTERNAL_H
#define REMOTE_MASTER_QUESTION_INTERNAL_H
/* What master_question.c (who is asked, and what then) and master_question_read.c (where an answer's bytes go) share. */
#include <stdbool.h>

#include "base/buffer.h"
#include "remote/master_parse.h"
#include "remote/master_question.h"
#include "remote/master_steps.h"

/* A cluster has five masters at most, of which one leads. */
#define HOPS_MAX 5

struct question {
	struct masters *masters;
	unsigned want;
	void (*done)(void *ctx, struct master_snapshot *snapshot, const struct error *err);
	void *ctx;
	int attempt;      /* from 1 */
	int64_t begun_ms; /* of the first */
	struct loop_source *pause;
	char **urls; /* as they were when the attempt began */
	size_t url_count;
	char *leader;     /* the first candidate: who answered last when the question was asked; NULL: nobody yet */
	size_t candidate; /* 0: leader; then the URLs */
	char *visited[HOPS_MAX + 1];
	size_t visited_count; /* the last one is being asked */
	enum form form;
	unsigned todo; /* enum step bits */
	size_t step;   /* the one under way, in master_steps[] */
	char *url;     /* of the request under way, as it may be shown */
	uint64_t request;
	struct master_snapshot *snapshot;
	/* the answer under way, once its first byte is there */
	bool reading_has_begun;
	struct master_reading reading;
	struct master_taker taker;
	struct master_reader *reader; /* NULL: it only goes to the spool */
	struct buffer faults;
	enum error_kind kind;
	bool forbidden; /* asking again would not help */
};

/* The step under way is asked in protobuf. */
bool question_wants_protobuf(const struct question *question);
/* For http_request.take: bytes of the step's answer. */
int question_take_bytes(void *ctx, const char *content_type, const char *data, size_t len, struct error *err);
/* They are all there. */
int question_end_reading(struct question *question, const char *content_type, struct error *err);
void question_stop_reading(struct question *question);

#endif
