/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/secret.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

static char *read_text(const char *text, mode_t mode, struct error *err)
{
	char *folder = scratch_new(), *path = scratch_write(folder, "secret", text);
	const struct secret_source source = {.file = path};
	assert_int_equal(chmod(path, mode), 0);
	char *secret = secret_read(&source, "access.token", err);
	free(path);
	scratch_remove(folder);
	return secret;
}

static void test_files(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		enum error_kind kind;
		const char *words;
	} bad[] = {
		{"hush", 0644, ERROR_REFUSED, "mode 0644"}, {"hush", 0640, ERROR_REFUSED, "chmod 600"},
		{"hush", 0602, ERROR_REFUSED, "mode 0602"}, {"", 0600, ERROR_USAGE, "is empty"},
		{"\nhush", 0600, ERROR_USAGE, "is empty"},  {"hush\nhush", 0600, ERROR_USAGE, "more than one line"},
		{"hu\tsh", 0600, ERROR_USAGE, "no text"},
	};
	struct error err = ERROR_INIT;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(read_text(bad[i].text, bad[i].mode, &err));
		assert_text_has(err.text, "access.token");
		assert_null(strstr(err.text, "hush"));
		assert_error(&err, bad[i].kind, bad[i].words);
	}
	char *one = read_text("pass word:\xc3\xa4\r\n\n", 0600, &err), *two = read_text("x", 0400, &err);
	assert_string_equal(one, "pass word:\xc3\xa4");
	assert_string_equal(two, "x");
	secret_free(one);
	secret_free(two);
	secret_free(NULL);
	const struct secret_source missing = {.file = "/nowhere/secret"};
	assert_null(secret_read(&missing, "access.token", &err));
	assert_error(&err, ERROR_UNREACHABLE, "/nowhere/secret");
	const struct secret_source folder = {.file = "/"};
	assert_null(secret_read(&folder, "access.token", &err));
	assert_error(&err, ERROR_USAGE, "is no file");
}

static void test_environment(void **state)
{
	const struct secret_source source = {.variable = "ROLLCALL_TEST_SECRET"};
	struct error err = ERROR_INIT;
	(void)state;
	unsetenv("ROLLCALL_TEST_SECRET");
	assert_null(secret_read(&source, "access.token", &err));
	assert_error(&err, ERROR_UNREACHABLE, "no variable ROLLCALL_TEST_SECRET");
	setenv("ROLLCALL_TEST_SECRET", "", 1);
	assert_null(secret_read(&source, "access.token", &err));
	assert_error(&err, ERROR_USAGE, "is empty");
	setenv("ROLLCALL_TEST_SECRET", "hush", 1);
	char *secret = secret_read(&source, "access.token", &err);
	assert_string_equal(secret, "hush");
	secret_free(secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_files), cmocka_unit_test(test_environment)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
