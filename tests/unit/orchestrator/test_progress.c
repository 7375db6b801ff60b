/* SPDX-License-Identifier: Apache-2.0 */
/* What the line of an agent that has come to its end says. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "orchestrator/progress.h"

/* Nobody writes to the rows' texts. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

#define KEPT                                                                                                           \
	"{\"result\":\"pass\",\"lines\":[{\"what\":\"id\",\"planned\":\"S\",\"found\":\"S0\",\"ok\":true}],"           \
	"\"tasks\":{\"survived\":[{\"task\":\"t\",\"framework\":\"F\"}],\"killed\":[],\"ended\":[],\"new\":[]}}"
#define LOST                                                                                                           \
	"{\"result\":\"fail\",\"lines\":[{\"what\":\"id\",\"planned\":\"S\",\"found\":\"X1\",\"ok\":false}],"          \
	"\"tasks\":{\"survived\":[],\"killed\":[{\"task\":\"t\",\"framework\":\"F\"}],\"ended\":[],\"new\":[]}}"

static void progress_in_a_few_words(void **state)
{
	(void)state;
	const struct run_agent done = {.proof = TEXT(KEPT), .away_from_ms = 1000, .away_until_ms = 4100};
	const struct run_agent reverted = {.proof = TEXT(KEPT),
					   .away_from_ms = 1000,
					   .away_until_ms = 4100,
					   .error = TEXT("it ended\nlong story")};
	const struct run_agent stuck = {.proof = TEXT(LOST), .error = TEXT("another ID")};
	const struct run_agent under_way = {.away_from_ms = 1000};

	char *text = progress_detail(&done, AGENT_DONE);
	assert_string_equal(text, "same ID, 1 task kept, away 3.1 s");
	free(text);
	text = progress_detail(&reverted, AGENT_REVERTED);
	assert_string_equal(text, "same ID, 1 task kept, away 3.1 s; it ended");
	free(text);
	text = progress_detail(&stuck, AGENT_STUCK);
	assert_string_equal(text, "NOT the same ID, 1 task lost; another ID");
	free(text);
	text = progress_detail(&under_way, AGENT_CHANGING);
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(progress_in_a_few_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
