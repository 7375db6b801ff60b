/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's HTTP server, against a client in another process. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lab/agent/agent_web.h"
#include "lab/core/files.h"
#include "tests/support/cmocka.h"

static void echo(void *ctx, const struct agent_call *call, struct agent_reply *reply)
{
	(void)ctx;
	buffer_printf(&reply->body, "%s %s ?%s %zu:%.*s (%s)", call->method, call->path, call->query, call->body_len,
		      (int)call->body_len, call->body, call->content_type);
}

/* Sends the pieces one after the other, and leaves with 0 when the whole answer has every one of the words in order. */
static void __attribute__((noreturn)) be_client(int port, const char *const pieces[], const char *const words[])
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	char answer[262144];
	size_t len = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	inet_pton(AF_INET, "127.0.0.1", &where.sin_addr);
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) < 0)
		_exit(2);
	for (size_t i = 0; pieces[i] != NULL; i++) {
		if (send(fd, pieces[i], strlen(pieces[i]), MSG_NOSIGNAL) < 0)
			break;
		usleep(2000);
	}
	for (ssize_t got; len < sizeof(answer) - 1 && (got = read(fd, answer + len, sizeof(answer) - 1 - len)) > 0;)
		len += (size_t)got;
	answer[len] = '\0';
	const char *at = answer;
	for (size_t i = 0; words[i] != NULL; i++) {
		at = strstr(at, words[i]);
		if (at == NULL)
			_exit(3);
		at += strlen(words[i]);
	}
	_exit(0);
}

static void stop(void *ctx, int number)
{
	(void)number;
	events_stop(ctx);
}

static void exchange(const char *const pieces[], const char *const words[])
{
	static const int signals[] = {SIGCHLD, 0};
	struct error err = ERROR_INIT;
	int port = 0, status = -1, fd = socket_listen_tcp("127.0.0.1", 0, &port, &err);
	struct events *events = events_new(&err);
	assert_ok(events_on_signals(events, signals, stop, events, &err), &err);
	struct agent_web *web = agent_web_new(events, fd, echo, NULL);
	pid_t pid = fork();
	if (pid == 0)
		be_client(port, pieces, words);
	events_run(events);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	agent_web_free(web);
	events_free(events);
	events_reset_signals();
}

static void two_requests_over_one_connection(void **state)
{
	(void)state;
	exchange(
		(const char *const[]){
			"GET /a?x=1&y HTTP/1.1\r\nHost: h\r\n\r\nPOST /api/v1 HTTP/1.1\r\ncontent-TYPE:  a/b \r\n",
			"Content-Length: 5\r\nConnection: close\r\n\r\nhe", "llo", NULL},
		(const char *const[]){"HTTP/1.1 200 OK\r\n", "Content-Length: ", "GET /a ?x=1&y 0: ()",
				      "HTTP/1.1 200 OK\r\n", "Connection: close\r\n", "POST /api/v1 ? 5:hello (a/b)",
				      NULL});
}

static void a_body_that_waits_is_asked_for(void **state)
{
	(void)state;
	exchange((const char *const[]){"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
				       "hiGET / HTTP/1.0\r\n\r\n", NULL},
		 (const char *const[]){"HTTP/1.1 100 Continue\r\n\r\n", "2:hi", "HTTP/1.1 200 OK", NULL});
}

static void what_is_no_request_is_refused(void **state)
{
	(void)state;
	exchange((const char *const[]){"\x16\x03\x01 hello\r\n\r\n", NULL},
		 (const char *const[]){"400 Bad Request", NULL});
	exchange((const char *const[]){"GET / HTTP/1.1\r\nno colon\r\n\r\n", NULL},
		 (const char *const[]){"400 Bad Request", NULL});
	exchange((const char *const[]){"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", NULL},
		 (const char *const[]){"400 Bad Request", NULL});
	exchange((const char *const[]){"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", NULL},
		 (const char *const[]){"413 ", NULL});
	exchange((const char *const[]){"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", NULL},
		 (const char *const[]){"411 ", NULL});
}

static void an_endless_head_is_refused(void **state)
{
	char *long_line = xcalloc(1, AGENT_WEB_HEAD_MAX + 100);
	(void)state;
	memset(long_line, 'a', AGENT_WEB_HEAD_MAX + 50);
	exchange((const char *const[]){long_line, NULL}, (const char *const[]){NULL});
	free(long_line);
}

static void head_has_no_body(void **state)
{
	(void)state;
	exchange((const char *const[]){"HEAD /x HTTP/1.1\r\n\r\nGET /y HTTP/1.1\r\nConnection: close\r\n\r\n", NULL},
		 (const char *const[]){"Content-Length: ", "\r\n\r\nHTTP/1.1 200 OK", "GET /y", NULL});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_requests_over_one_connection),
		cmocka_unit_test(a_body_that_waits_is_asked_for),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(an_endless_head_is_refused),
		cmocka_unit_test(head_has_no_body),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
