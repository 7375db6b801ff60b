/* SPDX-License-Identifier: Apache-2.0 */
/* Where the bytes of an answer go: through its parser into the snapshot, or as they are to the spool. */
#include <string.h>

#include "remote/master_question_internal.h"
#include "remote/master_spool.h"

bool question_wants_protobuf(const struct question *question)
{
	const struct master_step *step = &master_steps[question->step];
	bool json = step->json_only && !(step->answer == ANSWER_GET_TASKS && (question->want & WANT_SPOOL));
	return question->form == FORM_PROTOBUF && !json;
}

/* What came, which is not always what was asked for. */
static bool is_protobuf(const struct question *question, const char *content_type)
{
	return question_wants_protobuf(question) &&
	       strncmp(content_type, "application/json", strlen("application/json")) != 0;
}

static bool is_spooled(const struct question *question)
{
	const struct master_step *step = &master_steps[question->step];
	if (step->answer == ANSWER_STATE && !(question->want & WANT_TASKS))
		return false;
	return (question->want & WANT_SPOOL) && step->large;
}

/* The first bytes of an answer: where it goes. /state goes both ways, because it also says what master this is. */
static int begin_reading(struct question *question, const char *content_type, struct error *err)
{
	const struct master_step *step = &master_steps[question->step];
	struct master_snapshot *snapshot = question->snapshot;
	bool spooled = is_spooled(question);
	question->reading_has_begun = true;
	question->reading = (struct master_reading){
		.answer = step->answer,
		.url = question->url,
		.protobuf = is_protobuf(question, content_type),
		.want = spooled ? question->want & ~(unsigned)WANT_TASKS : question->want,
		.taker = &question->taker,
		.facts = &snapshot->facts,
	};
	if (!spooled || step->answer == ANSWER_STATE)
		question->reader = master_reader_new(&question->reading);
	if (!spooled)
		return 0;
	if (snapshot->spool == NULL)
		snapshot->spool = master_spool_new(err);
	if (snapshot->spool == NULL)
		return -1;
	master_spool_begin(snapshot->spool, step->answer, question->url, question->reading.protobuf);
	return 0;
}

int question_take_bytes(void *ctx, const char *content_type, const char *data, size_t len, struct error *err)
{
	struct question *question = ctx;
	if (!question->reading_has_begun && begin_reading(question, content_type, err) < 0)
		return -1;
	if (question->reader != NULL && master_reader_feed(question->reader, data, len, err) < 0)
		return -1;
	return is_spooled(question) ? master_spool_add(question->snapshot->spool, data, len, err) : 0;
}

/* All bytes are there, if there were any. */
int question_end_reading(struct question *question, const char *content_type, struct error *err)
{
	if (!question->reading_has_begun && question_take_bytes(question, content_type, "", 0, err) < 0)
		return -1;
	if (question->reader != NULL && master_reader_finish(question->reader, err) < 0)
		return -1;
	if (question->reading.answer == ANSWER_STATE && question->reading.flags_hidden && (question->want & WANT_FACTS))
		question->todo |= STEP_FLAGS;
	return 0;
}

void question_stop_reading(struct question *question)
{
	master_reader_free(question->reader);
	question->reader = NULL;
	question->reading_has_begun = false;
}
