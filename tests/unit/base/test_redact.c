/* SPDX-License-Identifier: Apache-2.0 */
/* What looks like a secret is taken out; what does not stays, byte for byte. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "base/redact.h"

static void assert_redacted(const char *text, const char *expected)
{
	char *found = redact_text(text);

	assert_string_equal(found, expected);
	free(found);
}

static void test_values_of_telling_names(void **state)
{
	(void)state;
	assert_redacted("password=hunter2", "password=<redacted>");
	assert_redacted("DB_PASSWORD: hunter2, next", "DB_PASSWORD: <redacted>, next");
	assert_redacted("{\"token\": \"ab cd\", \"x\": 1}", "{\"token\": <redacted>, \"x\": 1}");
	assert_redacted("AWS_SECRET_ACCESS_KEY='a b' c", "AWS_SECRET_ACCESS_KEY=<redacted> c");
	assert_redacted("--executor_secret_key=/x/y z", "--executor_secret_key=<redacted> z");
	assert_redacted("a?token=abc&b=c", "a?token=<redacted>&b=c");
	assert_redacted("Authorization: Bearer abc.def-ghi", "Authorization: Bearer <redacted>");
	assert_redacted("Authorization: abc", "Authorization: <redacted>");
	assert_redacted("api-key=\"never closed", "api-key=<redacted>");
}

static void test_schemes_and_addresses(void **state)
{
	(void)state;
	assert_redacted("sent Bearer abcdefgh to it", "sent Bearer <redacted> to it");
	assert_redacted("zk://user:pass@a:2181,b/mesos", "zk://<redacted>@a:2181,b/mesos");
	assert_redacted("zk://user:hunt#er2@a:2181/mesos", "zk://<redacted>@a:2181/mesos");
	assert_redacted("https://bob:s3cr?et@reg.example.com/v2", "https://<redacted>@reg.example.com/v2");
	assert_redacted("http://u:p@ss@host/path?x=@", "http://<redacted>@host/path?x=@");
	assert_redacted("http://host/path@home", "http://host/path@home");
}

static void test_the_rest_stays(void **state)
{
	static const char *const texts[] = {
		"",
		"the tokens were counted",
		"secret",
		"password=",
		"token:",
		"basic test of it",
		"attributes rack:r1;zone:a",
		"ein Schlüssel → nichts",
		"://",
		"a://",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_redacted(texts[i], texts[i]);
}

static void urls(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"zk://anna:hush@h1:2181,h2:2181/mesos", "zk://<redacted>@h1:2181,h2:2181/mesos"},
		{"https://anna:hu@sh@h/", "https://<redacted>@h/"},
		{"https://h/a@b", "https://h/a@b"},
		{"password=hush;token:hush", "password=hush;token:hush"},
		{"", ""},
		{"://", "://"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *shown = redact_urls(cases[i].text);

		assert_string_equal(shown, cases[i].shown);
		free(shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(test_values_of_telling_names),
		cmocka_unit_test(test_schemes_and_addresses),
		cmocka_unit_test(test_the_rest_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
