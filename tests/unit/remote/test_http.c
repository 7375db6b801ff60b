/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/http.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "tests/support/cmocka.h"
#include "tests/support/http_server.h"

struct fixture {
	struct loop *loop;
	struct http *http;
	struct http_server server;
};

struct outcome {
	int calls;
	struct http_answer answer;
};

static void keep_answer(void *ctx, struct http_answer *answer)
{
	struct outcome *outcome = ctx;
	outcome->calls++;
	outcome->answer = *answer;
	*answer = (struct http_answer){.status = 0};
}

static char *large; /* 3 MB */
#define LARGE 3000000

static void serve(struct http_server *server, const struct server_request *request, int fd)
{
	const char *path = request->path;
	(void)server;
	if (strcmp(path, "/ok") == 0)
		server_answer(fd, "200 OK", "Content-Type: application/json\r\n", "{\"a\":1}", 7);
	else if (strcmp(path, "/dated") == 0)
		server_answer(fd, "200 OK", "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n", "", 0);
	else if (strcmp(path, "/undated") == 0)
		server_answer(fd, "200 OK", "Date: soon\r\n", "", 0);
	else if (strcmp(path, "/empty") == 0)
		server_answer(fd, "200 OK", "", "", 0);
	else if (strcmp(path, "/echo") == 0)
		server_answer(fd, "200 OK", "", request->body, strlen(request->body));
	else if (strcmp(path, "/head") == 0)
		server_answer(fd, "200 OK", "", request->head, strlen(request->head));
	else if (strcmp(path, "/500") == 0)
		server_answer(fd, "500 Internal Server Error", "", "boom", 4);
	else if (strcmp(path, "/large") == 0)
		server_answer(fd, "200 OK", "", large, LARGE);
	else if (strcmp(path, "/moved") == 0)
		server_answer(fd, "307 Temporary Redirect", "Location: //192.0.2.7:5050/master/slaves\r\n", "", 0);
	else if (strcmp(path, "/chunked") == 0)
		server_puts(fd,
			    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
	else if (strcmp(path, "/half-chunked") == 0)
		server_puts(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n40\r\ndefg");
	else if (strcmp(path, "/half") == 0)
		server_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it");
	else if (strcmp(path, "/garbage") == 0)
		server_puts(fd, "SSH-2.0-nonsense\r\n\r\n");
	else if (strcmp(path, "/slow") == 0)
		poll(NULL, 0, 600);
	else if (strcmp(path, "/stalls") == 0) {
		server_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it");
		poll(NULL, 0, 600);
	}
	/* anything else, "/nothing": the connection is closed without a word */
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;
	f->loop = loop_new(&err);
	f->http = http_new(f->loop, &err);
	assert_int_equal(err.kind, ERROR_NONE);
	server_start(&f->server, serve, NULL);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	http_free(f->http);
	loop_free(f->loop);
	server_stop(&f->server);
	free(f);
	return 0;
}

static void wait_for(struct fixture *f, const struct outcome *outcome)
{
	int64_t end = clock_monotonic_ms() + 20000;
	while (outcome->calls == 0 && clock_monotonic_ms() < end)
		loop_wait(f->loop, 1000);
	assert_int_equal(outcome->calls, 1);
}

static struct outcome ask_url(struct fixture *f, const char *url, const char *body, size_t max_body)
{
	struct outcome outcome = {0};
	struct http_request request = {
		.url = url,
		.body = body,
		.body_len = body != NULL ? strlen(body) : 0,
		.timeout_ms = strstr(url, "/s") != NULL ? 200 : 10000,
		.max_body = max_body,
	};
	http_start(f->http, &request, keep_answer, &outcome);
	assert_int_equal(outcome.calls, 0); /* never before the loop runs */
	wait_for(f, &outcome);
	return outcome;
}

static struct outcome ask(struct fixture *f, const char *path)
{
	char url[200];
	snprintf(url, sizeof(url), "%s%s", f->server.url, path);
	return ask_url(f, url, NULL, 1 << 22);
}

static void assert_body(const struct outcome *outcome, int status, const char *body)
{
	assert_string_equal(outcome->answer.error.text, "");
	assert_int_equal(outcome->answer.status, status);
	assert_string_equal(buffer_text(&outcome->answer.body), body);
}

static void assert_failure(struct outcome *outcome, enum error_kind kind, const char *words)
{
	const struct error *err = &outcome->answer.error;
	if (strstr(err->text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err->text, words);
	assert_int_equal(err->kind, kind);
	assert_int_equal(outcome->answer.status, 0);
	assert_int_equal(outcome->answer.body.len, 0);
	http_answer_clear(&outcome->answer);
}

static void test_answers(void **state)
{
	struct outcome outcome = ask(*state, "/ok");
	assert_body(&outcome, 200, "{\"a\":1}");
	assert_string_equal(outcome.answer.content_type, "application/json");
	assert_null(outcome.answer.location);
	http_answer_clear(&outcome.answer);

	outcome = ask(*state, "/empty");
	assert_body(&outcome, 200, "");
	assert_string_equal(outcome.answer.content_type, "");
	http_answer_clear(&outcome.answer);

	outcome = ask(*state, "/chunked");
	assert_body(&outcome, 200, "abcdefg");
	http_answer_clear(&outcome.answer);

	outcome = ask(*state, "/500");
	assert_body(&outcome, 500, "boom");
	http_answer_clear(&outcome.answer);
}

static void test_the_servers_clock(void **state)
{
	struct outcome outcome = ask(*state, "/dated");
	assert_int_equal(outcome.answer.date_ms, 1700000000000);
	http_answer_clear(&outcome.answer);
	for (int i = 0; i < 2; i++) {
		outcome = ask(*state, i == 0 ? "/undated" : "/ok");
		assert_int_equal(outcome.answer.date_ms, 0);
		http_answer_clear(&outcome.answer);
	}
}

static void test_posts(void **state)
{
	struct fixture *f = *state;
	char url[200];
	snprintf(url, sizeof(url), "%s/echo", f->server.url);
	struct outcome outcome = ask_url(f, url, "{\"type\":\"GET_AGENTS\"}", 1000);
	assert_body(&outcome, 200, "{\"type\":\"GET_AGENTS\"}");
	http_answer_clear(&outcome.answer);

	snprintf(url, sizeof(url), "%s/head", f->server.url);
	outcome = ask_url(f, url, "", 1000);
	assert_non_null(strstr(buffer_text(&outcome.answer.body), "POST /head"));
	assert_non_null(strstr(buffer_text(&outcome.answer.body), "Content-Type: application/json"));
	assert_non_null(strstr(buffer_text(&outcome.answer.body), "Accept: application/json"));
	http_answer_clear(&outcome.answer);
}

static void test_reports_redirects_without_following(void **state)
{
	struct outcome outcome = ask(*state, "/moved");
	assert_body(&outcome, 307, "");
	assert_string_equal(outcome.answer.location, "http://192.0.2.7:5050/master/slaves");
	http_answer_clear(&outcome.answer);
}

static void test_body_maximum(void **state)
{
	struct fixture *f = *state;
	char url[200];
	snprintf(url, sizeof(url), "%s/large", f->server.url);
	struct outcome outcome = ask_url(f, url, NULL, LARGE);
	assert_int_equal(outcome.answer.status, 200);
	assert_int_equal(outcome.answer.body.len, LARGE);
	assert_memory_equal(outcome.answer.body.data, large, LARGE);
	http_answer_clear(&outcome.answer);

	outcome = ask_url(f, url, NULL, LARGE - 1);
	assert_failure(&outcome, ERROR_CORRUPT, "/large: its answer is larger than the 2999999 bytes");
}

static void test_halves_and_nonsense(void **state)
{
	struct outcome outcome = ask(*state, "/half");
	assert_failure(&outcome, ERROR_CORRUPT,
		       "/half: sent half a document: the connection ended after 10 of 100 bytes");
	outcome = ask(*state, "/half-chunked");
	assert_failure(&outcome, ERROR_CORRUPT, "/half-chunked: sent half a document");
	outcome = ask(*state, "/garbage");
	assert_failure(&outcome, ERROR_CORRUPT, "/garbage: answered something that is no HTTP");
	outcome = ask(*state, "/nothing");
	assert_failure(&outcome, ERROR_UNREACHABLE, "/nothing: the connection ended before an answer came");
}

static void test_timeouts(void **state)
{
	int64_t start = clock_monotonic_ms();
	struct outcome outcome = ask(*state, "/slow");
	assert_failure(&outcome, ERROR_UNREACHABLE, "/slow: timed out after 0.2 s without an answer");
	assert_in_range(clock_monotonic_ms() - start, 190, 30000);
	outcome = ask(*state, "/stalls");
	assert_failure(&outcome, ERROR_UNREACHABLE, "/stalls: timed out after 0.2 s");
}

static void test_unreachable(void **state)
{
	char url[200];
	snprintf(url, sizeof(url), "http://me:secret@127.0.0.1:%d/x", closed_port());
	struct outcome outcome = ask_url(*state, url, NULL, 1000);
	assert_null(strstr(outcome.answer.error.text, "secret"));
	assert_failure(&outcome, ERROR_UNREACHABLE, "/x: no connection: Connection refused");

	outcome = ask_url(*state, "http://no-such-host.invalid/x", NULL, 1000);
	assert_failure(&outcome, ERROR_UNREACHABLE, "http://no-such-host.invalid/x: there is no host of that name");
}

static void test_bad_urls(void **state)
{
	struct outcome outcome = ask_url(*state, "ftp://127.0.0.1/x", NULL, 1000);
	assert_failure(&outcome, ERROR_USAGE, "ftp://127.0.0.1/x: this is no URL to ask");
	outcome = ask_url(*state, "file:///etc/passwd", NULL, 1000);
	assert_failure(&outcome, ERROR_USAGE, "this is no URL to ask");
	outcome = ask_url(*state, "http://127.0.0.1:99999/x", NULL, 1000);
	assert_failure(&outcome, ERROR_USAGE, "http://127.0.0.1:99999/x: this is no URL");
}

static void test_tls_against_plain_text(void **state)
{
	struct fixture *f = *state;
	char url[200];
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/slow", f->server.port);
	struct outcome outcome = {0};
	struct http_request request = {.url = url, .timeout_ms = 500, .max_body = 1000};
	http_start(f->http, &request, keep_answer, &outcome);
	wait_for(f, &outcome);
	assert_int_equal(outcome.answer.error.kind, ERROR_UNREACHABLE);
	http_answer_clear(&outcome.answer);
}

static void test_many_at_once_and_cancel(void **state)
{
	struct fixture *f = *state;
	struct outcome outcomes[40] = {{0}};
	uint64_t ids[40];
	char url[200];
	snprintf(url, sizeof(url), "%s/ok", f->server.url);
	struct http_request request = {.url = url, .timeout_ms = 20000, .max_body = 1000};
	for (size_t i = 0; i < 40; i++)
		ids[i] = http_start(f->http, &request, keep_answer, &outcomes[i]);
	for (size_t i = 0; i < 40; i += 2)
		http_cancel(f->http, ids[i]);
	http_cancel(f->http, 123456);
	for (size_t i = 0; i < 40; i++) {
		if (i % 2 == 1)
			wait_for(f, &outcomes[i]);
	}
	for (size_t i = 0; i < 40; i++) {
		assert_int_equal(outcomes[i].calls, i % 2);
		http_answer_clear(&outcomes[i].answer);
	}
}

/* A done that starts the next request and cancels another one. */
struct chain {
	struct fixture *f;
	uint64_t other;
	struct outcome second;
};

static void start_next(void *ctx, struct http_answer *answer)
{
	struct chain *chain = ctx;
	char url[200];
	assert_int_equal(answer->status, 200);
	snprintf(url, sizeof(url), "%s/ok", chain->f->server.url);
	struct http_request request = {.url = url, .timeout_ms = 10000, .max_body = 1000};
	http_cancel(chain->f->http, chain->other);
	http_start(chain->f->http, &request, keep_answer, &chain->second);
}

static void test_done_may_start_and_cancel(void **state)
{
	struct fixture *f = *state;
	struct chain chain = {.f = f};
	struct outcome other = {0};
	char url[200], slow[200];
	snprintf(url, sizeof(url), "%s/ok", f->server.url);
	snprintf(slow, sizeof(slow), "%s/ok", f->server.url);
	struct http_request request = {.url = url, .timeout_ms = 10000, .max_body = 1000};
	http_start(f->http, &request, start_next, &chain);
	request.url = slow;
	chain.other = http_start(f->http, &request, keep_answer, &other);
	wait_for(f, &chain.second);
	assert_int_equal(chain.second.answer.status, 200);
	http_answer_clear(&chain.second.answer);
	http_answer_clear(&other.answer); /* it may have been the first of the two */
}

static void test_free_with_requests_under_way(void **state)
{
	struct fixture *f = *state;
	struct outcome outcome = {0};
	struct error err = ERROR_INIT;
	char url[200];
	struct http *http = http_new(f->loop, &err);
	snprintf(url, sizeof(url), "%s/slow", f->server.url);
	struct http_request request = {.url = url, .timeout_ms = 10000, .max_body = 1000};
	http_start(http, &request, keep_answer, &outcome);
	loop_wait(f->loop, 50);
	http_free(http);
	loop_wait(f->loop, 0);
	assert_int_equal(outcome.calls, 0);
}

static void test_url_for_people(void **state)
{
	static const char *const cases[][2] = {
		{"http://a:5050/x", "http://a:5050/x"},
		{"https://me:pass@a:5050/x@y", "https://a:5050/x@y"},
		{"http://me:p@ss@a?q=@", "http://a?q=@"},
		{"a:5050", "a:5050"},
		{"http://", "http://"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *shown = http_url_for_people(cases[i][0]);
		assert_string_equal(shown, cases[i][1]);
		free(shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_the_servers_clock),
		cmocka_unit_test(test_posts),
		cmocka_unit_test(test_reports_redirects_without_following),
		cmocka_unit_test(test_body_maximum),
		cmocka_unit_test(test_halves_and_nonsense),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_tls_against_plain_text),
		cmocka_unit_test(test_many_at_once_and_cancel),
		cmocka_unit_test(test_done_may_start_and_cancel),
		cmocka_unit_test(test_free_with_requests_under_way),
		cmocka_unit_test(test_url_for_people),
	};
	large = xmalloc(LARGE);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)('a' + i % 23);
	int failed = cmocka_run_group_tests(tests, set_up, tear_down);
	free(large);
	return failed;
}
