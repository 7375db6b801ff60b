/* SPDX-License-Identifier: Apache-2.0 */
/* Host sets: what they hold, what is no set, and names folded into them. */
#include <stdlib.h>

#include "base/alloc.h"
#include "inventory/hostset.h"
#include "tests/support/cmocka.h"

static void test_members(void **state)
{
	static const struct {
		const char *set, *name;
		bool has;
	} cases[] = {
		{"node1", "node1", true},
		{"node1", "node12", false},
		{"node[1-3]", "node1", true},
		{"node[1-3]", "node3", true},
		{"node[1-3]", "node4", false},
		{"node[1-3]", "node0", false},
		{"node[1-3]", "node", false},
		{"node[1-3]", "node02", false},
		{"node[1-3]", "node2.example.com", false},
		{"node[1-3].example.com", "node2.example.com", true},
		{"node[001-120]", "node001", true},
		{"node[001-120]", "node1", false},
		{"node[001-120]", "node0001", false},
		{"node[001-120]", "node120", true},
		{"node[8-12]", "node10", true},
		{"node[8-12]", "node08", false},
		{"node[08-120]", "node09", true},
		{"node[08-120]", "node100", true},
		{"node[08-120]", "node009", false},
		{"node[1-9/2]", "node5", true},
		{"node[1-9/2]", "node4", false},
		{"node[1,3,7-8]", "node7", true},
		{"node[1,3,7-8]", "node2", false},
		{"r[1-2]n[01-10]", "r2n09", true},
		{"r[1-2]n[01-10]", "r3n09", false},
		{"r[1-20][1-3]", "r113", true}, /* 11 and 3 */
		{"r[1-20]0", "r100", true},
		{"[1-3]x", "2x", true},
		{"n[0-999999999999999]", "n99999999999999999999", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;
		size_t at;
		struct hostset *set = hostset_parse(cases[i].set, &at, &err);

		if (!set)
			fail_msg("%s: %s", cases[i].set, err.text);
		if (hostset_has(set, cases[i].name) != cases[i].has)
			fail_msg("%s %s %s", cases[i].set, cases[i].has ? "lacks" : "has", cases[i].name);
		hostset_free(set);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *set;
		size_t at;
		const char *words;
	} cases[] = {
		{"n[", 2, "a number"},
		{"n[]", 2, "a number"},
		{"n[1", 3, "\"]\""},
		{"n]", 1, "a \"[\" before it"},
		{"n[1-]", 4, "a number"},
		{"n[2-1]", 2, "the smaller number first"},
		{"n[1/0]", 4, "a step"},
		{"n[1-2x]", 5, "\"]\""},
		{"n[-1]", 2, "a number"},
		{"n[1234567890123456]", 2, "at most 15 digits"},
		{"[1][1][1][1][1]", 12, "at most 4 brackets"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;
		size_t at = 99;

		assert_null(hostset_parse(cases[i].set, &at, &err));
		if (at != cases[i].at || !strstr(err.text, cases[i].words))
			fail_msg("%s: at %zu: %s", cases[i].set, at, err.text);
	}
}

static void check_fold(const char *words, const char *expected)
{
	char *text = xstrdup(words), *rest = text, *word;
	const char *names[64];
	struct buffer out = BUFFER_INIT(10000);
	size_t count = 0;

	while ((word = strsep(&rest, " ")))
		names[count++] = word;
	hostset_fold(names, count, &out);
	assert_string_equal(buffer_text(&out), expected);
	buffer_clear(&out);
	free(text);
}

static void test_folding(void **state)
{
	(void)state;
	check_fold("a", "a");
	check_fold("b a", "a,b");
	check_fold("n1 n2 n3", "n[1-3]");
	check_fold("n3 n1 n2 n2", "n[1-3]");
	check_fold("n1 n3 n5", "n[1,3,5]");
	check_fold("n8 n9 n10 n11", "n[8-11]");
	check_fold("n08 n09 n10 n100", "n[08-10,100]");
	check_fold("n9 n09 n010", "n[9,09,010]");
	check_fold("node001.example.com node002.example.com node003.example.org",
		   "node[001-002].example.com,node003.example.org");
	check_fold("10.0.0.1 10.0.0.2", "10.0.0.1,10.0.0.2");
	check_fold("r1n1.x r1n2.x r2n1.x", "r1n[1-2].x,r2n1.x");
	check_fold("n[1] n[2]", "n[1],n[2]");
}

static void test_folding_every_second_one(void **state)
{
	(void)state;
	check_fold("n1 n3 n5 n7", "n[1-7/2]");
	check_fold("n001 n003 n005 n007 n009 n100", "n[001-009/2,100]");
	check_fold("n2 n12 n22 n32 n41", "n[2-32/10,41]");
	check_fold("n7 n9 n11 n13.x", "n[7,9,11],n13.x");
	check_fold("n7 n9 n11 n13 n15", "n[7-15/2]");
	check_fold("n07 n9 n011 n13", "n[07,9,011,13]");
	/* Ranges are not taken apart for it. */
	check_fold("n1 n3 n5 n7 n8 n9", "n[1,3,5,7-9]");
	check_fold("n1 n3 n5 n7 n9 n10", "n[1-7/2,9-10]");
	check_fold("n1 n2 n3 n5 n7 n9 n11", "n[1-3,5-11/2]");
}

/* What was folded holds just what went in. */
static void test_folded_sets_are_read_back(void **state)
{
	static const char *const names[] = {"n9.x", "n10.x",  "n011.x", "n12.x",  "n099.x", "n100.x",
					    "n1.x", "n200.x", "n203.x", "n206.x", "n209.x"};
	static const char *const others[] = {"n201.x", "n207.x",  "n212.x", "n11.x",  "n09.x", "n2.x",
					     "n99.x",  "n0100.x", "n01.x",  "n101.x", "n8.x"};
	struct buffer out = BUFFER_INIT(1000);
	struct error err = ERROR_INIT;
	struct hostset *set;
	size_t at;

	(void)state;
	hostset_fold(names, sizeof(names) / sizeof(names[0]), &out);
	set = hostset_parse(buffer_text(&out), &at, &err);
	assert_non_null(set);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!hostset_has(set, names[i]))
			fail_msg("%s lacks %s", buffer_text(&out), names[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (hostset_has(set, others[i]))
			fail_msg("%s has %s", buffer_text(&out), others[i]);
	hostset_free(set);
	buffer_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_folding),
		cmocka_unit_test(test_folding_every_second_one),
		cmocka_unit_test(test_folded_sets_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
