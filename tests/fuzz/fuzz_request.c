/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request and as an answer: what is taken is written so that it reads back as the same. */
#include <stdint.h>
#include <string.h>

#include "protocol/answer.h"
#include "protocol/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static void must_be_same(const struct buffer *a, const struct buffer *b)
{
	must(a->len == b->len && memcmp(buffer_text(a), buffer_text(b), a->len) == 0);
}

static void try_request(const uint8_t *data, size_t size)
{
	struct buffer first = BUFFER_INIT(REQUEST_MAX);
	struct buffer second = BUFFER_INIT(REQUEST_MAX);
	struct error err = ERROR_INIT;
	struct request request;
	struct request again;

	if (request_parse(data, size, &request, &err) != 0) {
		must(err.kind == ERROR_USAGE);
		return;
	}
	request_write(&request, &first);
	must(request_parse(buffer_text(&first), first.len, &again, &err) == 0);
	request_write(&again, &second);
	must_be_same(&first, &second);
	request_clear(&request);
	request_clear(&again);
	buffer_clear(&first);
	buffer_clear(&second);
}

static void try_answer(const uint8_t *data, size_t size)
{
	struct buffer first = BUFFER_INIT(ANSWER_LINE_MAX);
	struct buffer second = BUFFER_INIT(ANSWER_LINE_MAX);
	struct error err = ERROR_INIT;
	struct answer answer;
	struct answer again;

	if (answer_parse((const char *)data, size, &answer, &err) != 0) {
		must(err.kind != ERROR_NONE && err.kind != ERROR_BUG);
		return;
	}
	answer_write(&answer, &first);
	/* An answer that left out what its event may leave out can be told in fewer words than it can be read from. */
	if (answer_parse(buffer_text(&first), first.len, &again, &err) == 0) {
		answer_write(&again, &second);
		must_be_same(&first, &second);
		answer_clear(&again);
	}
	answer_clear(&answer);
	buffer_clear(&first);
	buffer_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_request(data, size);
	try_answer(data, size);
	return 0;
}
