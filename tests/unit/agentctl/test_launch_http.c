/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a master over HTTP: places, answers whole and broken, and what a master's answer means. */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>

#include "agentctl/launch_http.h"
#include "agentctl/launch_master.h"
#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/http_server.h"
#include "tests/support/scratch.h"

#define MASTER(capability, domain)                                                                                     \
	"{\"type\":\"GET_MASTER\",\"get_master\":{\"master_info\":{\"capabilities\":[{\"type\":\"" capability          \
	"\"}]" domain "}}}"

static void expect_place(const char *text, const char *host, unsigned short port, const char *path)
{
	struct http_place place;
	struct error err = ERROR_INIT;

	assert_ok(http_place_parse(text, 5050, &place, &err), &err);
	assert_string_equal(place.host, host);
	assert_int_equal(place.port, port);
	assert_string_equal(place.path, path);
}

static void test_places(void **state)
{
	static const char *const bad[] = {"",
					  ":5050",
					  "zk://a:2181/mesos",
					  "https://a:5050",
					  "a:0",
					  "a:65536",
					  "a:50x",
					  "a b:5050",
					  "u@a:1",
					  "[::1",
					  "[::1]x",
					  "a:",
					  "a:-1",
					  "//"};
	struct http_place place = {.port = 7};
	struct error err = ERROR_INIT;

	(void)state;
	expect_place("10.0.0.1:5051", "10.0.0.1", 5051, "");
	expect_place("m1", "m1", 5050, "");
	expect_place("[::1]:5051", "::1", 5051, "");
	expect_place("//m2:5051/master/api/v1", "m2", 5051, "/master/api/v1");
	expect_place("http://m2/x?y=1", "m2", 5050, "/x?y=1");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (http_place_parse(bad[i], 5050, &place, &err) == 0)
			fail_msg("'%s' was taken for host %s", bad[i], place.host);
		assert_error(&err, ERROR_USAGE, bad[i]);
		assert_int_equal(place.port, 7);
	}
}

static int parse(const char *text, struct http_answer *out, struct error *err)
{
	struct buffer raw = BUFFER_INIT(65536);
	int result;

	buffer_puts(&raw, text);
	result = http_answer_parse(&raw, out, err);
	buffer_clear(&raw);
	return result;
}

static void expect_body(const char *text, int status, const char *body)
{
	struct http_answer answer;
	struct error err = ERROR_INIT;

	assert_ok(parse(text, &answer, &err), &err);
	assert_int_equal(answer.status, status);
	assert_string_equal(buffer_text(&answer.body), body);
	http_answer_clear(&answer);
}

static void test_answers(void **state)
{
	static const char *const broken[] = {
		"",
		"SSH-2.0-x\r\n\r\n",
		"HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nab"};
	struct http_answer answer = {.status = 7};
	struct error err = ERROR_INIT;

	(void)state;
	expect_body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc");
	expect_body("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 200, "");
	expect_body("HTTP/1.0 404 Not Found\r\n\r\ntext", 404, "text");
	expect_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200,
		    "abcde");
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		if (parse(broken[i], &answer, &err) == 0)
			fail_msg("\"%s\" was taken for an answer", broken[i]);
		assert_int_equal(err.kind, ERROR_CORRUPT);
		assert_int_equal(answer.status, 7);
		error_clear(&err);
	}
	assert_ok(parse("HTTP/1.1 307 X\r\nlocation: //a:1/b\r\nContent-Length: 0\r\n\r\n", &answer, &err), &err);
	assert_string_equal(answer.location, "//a:1/b");
	http_answer_clear(&answer);
}

/* The answer is the body, or a redirect to where a path says. */
struct script {
	const char *status;
	const char *body;
	int redirects; /* that many first; negative: for ever */
};

static void answer(struct http_server *server, const struct server_request *request, int fd)
{
	struct script *script = server->ctx;
	char header[128];

	assert_non_null(strstr(request->head, "POST /"));
	assert_string_equal(request->body, "{\"type\":\"GET_MASTER\"}");
	snprintf(header, sizeof header, "Location: //127.0.0.1:%d/master/api/v1\r\n", server->port);
	if (script->redirects != 0) {
		script->redirects--;
		server_answer(fd, "307 Temporary Redirect", header, "", 0);
	} else {
		server_answer(fd, script->status, "", script->body, strlen(script->body));
	}
}

static int check(const char *status, const char *body, int redirects, bool with_domain, struct error *err)
{
	struct script script = {.status = status, .body = body, .redirects = redirects};
	struct http_server server;
	char master[64];
	int result;

	server_start(&server, answer, &script);
	snprintf(master, sizeof master, "127.0.0.1:%d", server.port);
	result = launch_master_check(master, "/", with_domain, err);
	server_stop(&server);
	return result;
}

static void test_masters(void **state)
{
	const char *good = MASTER("AGENT_UPDATE", "");
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(check("200 OK", good, 0, false, &err), &err);
	assert_ok(check("200 OK", MASTER("AGENT_UPDATE", ",\"domain\":{}"), 0, true, &err), &err);
	assert_int_equal(check("200 OK", good, 0, true, &err), -1);
	assert_error(&err, ERROR_REFUSED, "domain");
	assert_int_equal(check("200 OK", MASTER("OTHER", ""), 0, false, &err), -1);
	assert_error(&err, ERROR_REFUSED, "AGENT_UPDATE");
	assert_int_equal(check("404 Not Found", "", 0, false, &err), -1);
	assert_error(&err, ERROR_REFUSED, "AGENT_UPDATE");
	assert_int_equal(check("401 Unauthorized", "", 0, false, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "--master-checked");
	assert_int_equal(check("200 OK", "[1]", 0, false, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "not about a master");
	assert_ok(check("200 OK", good, 5, false, &err), &err);
	assert_int_equal(check("200 OK", good, -1, false, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "redirects more than 5 times");
}

static void test_masters_that_cannot_be_asked(void **state)
{
	char nobody[64];
	struct error err = ERROR_INIT;

	(void)state;
	snprintf(nobody, sizeof nobody, "127.0.0.1:%d", closed_port());
	assert_int_equal(launch_master_check(nobody, "/", false, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "refused");
	assert_int_equal(launch_master_check("zk://a:2181/mesos", "/", false, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "ZooKeeper");
	assert_int_equal(launch_master_check(NULL, "/", false, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "--master-checked");
	assert_int_equal(launch_master_check("no-such-name:5050", "/", false, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, "/etc/hosts");
}

static void test_names_come_from_hosts(void **state)
{
	struct script script = {.status = "200 OK", .body = MASTER("AGENT_UPDATE", "")};
	char *root = scratch_new();
	char *etc = path_join(root, "etc");
	struct error err = ERROR_INIT;
	struct http_server server;
	char master[64];

	(void)state;
	assert_ok(file_make_dirs(etc, 0755, &err), &err);
	free(scratch_write(etc, "hosts",
			   "# 127.0.0.9 Master.test\n10.0.0.1 other # master.test\n"
			   "127.0.0.1\tone  Master.test\n"));
	server_start(&server, answer, &script);
	snprintf(master, sizeof master, "master.test:%d", server.port);
	assert_ok(launch_master_check(master, root, false, &err), &err);
	server_stop(&server);
	free(etc);
	scratch_remove(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_masters),
		cmocka_unit_test(test_masters_that_cannot_be_asked),
		cmocka_unit_test(test_names_come_from_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
