/* SPDX-License-Identifier: Apache-2.0 */
/* "masters" and "access" of the cluster file: what they give, and that no secret may stand there. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/cluster_text.h"
#include "tests/support/cmocka.h"

static void test_all_of_it(void **state)
{
	struct error err = ERROR_INIT;
	struct cluster_file *file = cluster_text(
		"{\"clusters\": {\"a\": {\"masters\": \"zk://one:2181,two:2181/mesos\", \"access\": {\"_comment\": "
		"\"x\", \"ca\": \"ca.pem\", \"certificate\": \"/c.pem\", \"key\": \"/k.pem\",\"user\": \"u\", "
		"\"password\": {\"file\": \"p\"}, \"zookeeper\": {\"env\": \"ZK\"},\"proxy\": \"none\", "
		"\"proxy_credentials\": {\"file\": \"/q\"}, \"timeout\": \"5secs\", \"attempts\": 7}},\"b\": "
		"{\"masters\": [\"zk://z/mesos\"], \"access\": {\"token\": {\"env\": \"T\"}, \"tls\": "
		"true,\"token_scheme\": \"dcos\", \"proxy\": \"http://p:3128\"}}, \"c\": {\"masters\": "
		"\"http://m:5050/\"}}}",
		&err);

	(void)state;
	if (!file)
		fail_msg("%s", err.text);
	const struct cluster *a = cluster_file_find(file, "a", &err), *b = cluster_file_find(file, "b", &err),
			     *c = cluster_file_find(file, "c", &err);
	assert_string_equal(a->zookeeper, "zk://one:2181,two:2181/mesos");
	assert_int_equal(a->master_count, 0);
	assert_text_has(a->access.ca, "/ca.pem"); /* beside the cluster file */
	assert_true(a->access.ca[0] == '/');
	assert_true(a->access.tls);
	assert_string_equal(a->access.user, "u");
	assert_text_has(a->access.password.file, "/p");
	assert_null(a->access.password.variable);
	assert_string_equal(a->access.zookeeper.variable, "ZK");
	assert_string_equal(a->access.proxy, "");
	assert_int_equal(a->access.timeout_ms, 5000);
	assert_int_equal(a->access.attempts, 7);
	assert_string_equal(b->access.token.variable, "T");
	assert_true(b->access.token_is_dcos && b->access.tls);
	assert_string_equal(b->access.proxy, "http://p:3128");
	assert_string_equal(c->masters[0], "http://m:5050");
	assert_false(c->access.tls);
	assert_null(c->access.proxy);
	assert_int_equal(c->access.timeout_ms, 30000);
	assert_int_equal(c->access.attempts, 3);
	cluster_file_free(file);
}

#define ACCESS(members) "{\"clusters\": {\"a\": {\"masters\": \"http://m\", \"access\": {" members "}}}}"

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ACCESS("\"password\": \"hush\", \"user\": \"u\""), "access.password: does not stand in this file"},
		{ACCESS("\"token\": \"hush\""), "access.token: does not stand in this file"},
		{ACCESS("\"token\": {\"value\": \"hush\"}"),
		 "access.token: must be {\"file\": PATH} or {\"env\": NAME}"},
		{ACCESS("\"token\": {\"file\": \"a\", \"env\": \"b\"}"), "must be {\"file\": PATH}"},
		{ACCESS("\"token\": {\"file\": \"\"}"), "must be {\"file\": PATH}"},
		{ACCESS("\"token\": [\"hush\"]"), "must be {\"file\": PATH}"},
		{ACCESS("\"user\": \"u\""), "belong together"},
		{ACCESS("\"password\": {\"file\": \"a\"}"), "belong together"},
		{ACCESS("\"user\": \"u:v\", \"password\": {\"file\": \"a\"}"), "is no user's name"},
		{ACCESS("\"user\": \"u\", \"password\": {\"file\": \"a\"}, \"token\": {\"file\": \"b\"}"),
		 "one of them"},
		{ACCESS("\"token\": {\"file\": \"a\"}, \"token_scheme\": \"basic\""), "\"bearer\" or \"dcos\""},
		{ACCESS("\"key\": \"k\""), "belongs to a \"certificate\""},
		{ACCESS("\"ca\": \"\""), "access.ca: must be a file's path"},
		{ACCESS("\"proxy\": \"http://u:hush@p\""), "do not belong into a URL"},
		{ACCESS("\"proxy\": \"p:3128\""), "neither \"none\" nor a URL"},
		{ACCESS("\"timeout\": \"soon\""), "access.timeout: must be a duration"},
		{ACCESS("\"timeout\": \"2hrs\""), "up to an hour"},
		{ACCESS("\"attempts\": 0"), "access.attempts: must be from 1"},
		{ACCESS("\"passwrd\": {}"), "did you mean \"password\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;

		assert_null(cluster_text(cases[i].text, &err));
		assert_null(strstr(err.text, "hush"));
		assert_error(&err, ERROR_USAGE, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_of_it), cmocka_unit_test(test_refusals)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
