/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/http.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "remote/http_error.h"

/* The most libcurl takes at once without more system calls than bytes are worth. */
#define RECEIVE_BUFFER (256 << 10)

struct transfer {
	struct transfer *next;
	struct http *http;
	uint64_t id;
	CURL *easy;
	struct curl_slist *headers;
	struct http_transfer_facts facts;
	char *body; /* of the request */
	struct buffer answer;
	uint64_t max_body;
	int (*take)(void *ctx, const char *content_type, const char *data, size_t len, struct error *err);
	struct error refused; /* by take */
	char curl_text[CURL_ERROR_SIZE];
	void (*done)(void *ctx, struct http_answer *answer);
	void *ctx;
};

struct http {
	struct loop *loop;
	struct loop_source *timer; /* the deadline libcurl asked for */
	CURLM *multi;
	struct transfer *transfers;
	uint64_t last_id;
};

/* One socket of libcurl's; libcurl keeps the pointer (curl_multi_assign). */
struct http_socket {
	struct http *http;
	curl_socket_t fd;
	struct loop_source *source;
};

void http_answer_clear(struct http_answer *answer)
{
	buffer_clear(&answer->body);
	free(answer->content_type);
	free(answer->location);
	*answer = (struct http_answer){.status = 0};
}

/* ---- transfers */

static void transfer_free(struct transfer *transfer)
{
	if (transfer->easy != NULL) {
		curl_multi_remove_handle(transfer->http->multi, transfer->easy);
		curl_easy_cleanup(transfer->easy);
	}
	curl_slist_free_all(transfer->headers);
	free(transfer->facts.url);
	free(transfer->body);
	buffer_clear(&transfer->answer);
	free(transfer);
}

static void unlink_transfer(struct http *http, const struct transfer *transfer)
{
	struct transfer **link = &http->transfers;
	while (*link != transfer)
		link = &(*link)->next;
	*link = transfer->next;
}

static size_t hand_over(struct transfer *transfer, const char *data, size_t len)
{
	const char *type = NULL;
	curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
	if (transfer->facts.received > transfer->max_body)
		return 0;
	return transfer->take(transfer->ctx, type != NULL ? type : "", data, len, &transfer->refused) == 0 ? len : 0;
}

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *transfer = ctx;
	size_t len = size * count;
	long status = 0;
	transfer->facts.received += len;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (transfer->take != NULL && status == 200)
		return hand_over(transfer, data, len);
	return buffer_append(&transfer->answer, data, len) == 0 ? len : 0; /* 0 ends the transfer */
}

static int64_t date_of(CURL *easy)
{
	struct curl_header *header;
	time_t date = -1;

	if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		date = curl_getdate(header->value, NULL);
	return date > 0 ? (int64_t)date * 1000 : 0;
}

static void collect_answer(struct transfer *transfer, struct http_answer *answer)
{
	long status = 0;
	const char *type = NULL;
	char *location = NULL;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &location);
	answer->status = (int)status;
	answer->content_type = xstrdup(type != NULL ? type : "");
	answer->date_ms = date_of(transfer->easy);
	answer->location = location != NULL ? xstrdup(location) : NULL;
	answer->body = transfer->answer;
	buffer_init(&transfer->answer, 0);
}

static void finish(struct transfer *transfer, CURLcode code)
{
	struct http_answer answer = {.status = 0};
	if (code == CURLE_OK) {
		collect_answer(transfer, &answer);
	} else if (transfer->refused.kind != ERROR_NONE) {
		answer.content_type = xstrdup("");
		answer.error = transfer->refused;
	} else {
		long os_error = 0;
		curl_off_t expected = -1;
		curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_error);
		curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &expected);
		transfer->facts.os_error = (int)os_error;
		transfer->facts.expected = expected;
		answer.content_type = xstrdup("");
		http_describe_failure(&transfer->facts, code, transfer->curl_text, &answer.error);
	}
	unlink_transfer(transfer->http, transfer);
	void (*done)(void *, struct http_answer *) = transfer->done;
	void *ctx = transfer->ctx;
	transfer_free(transfer);
	done(ctx, &answer);
	http_answer_clear(&answer);
}

/* done may start and cancel others meanwhile: libcurl takes the messages of what is cancelled out of its queue. */
static void finish_ended(struct http *http)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		struct transfer *transfer = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		finish(transfer, code);
	}
}

/* ---- libcurl on our loop */

static void socket_ready(void *ctx, short revents)
{
	const struct http_socket *socket = ctx;
	struct http *http = socket->http;
	int action = (revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) | (revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
		     (revents & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
	int running;
	curl_multi_socket_action(http->multi, socket->fd, action, &running); /* may free the socket */
	finish_ended(http);
}

static void timer_ready(void *ctx, short revents)
{
	struct http *http = ctx;
	int running;
	(void)revents;
	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_ended(http);
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct http *http = ctx;
	(void)multi;
	loop_set(http->timer, -1, 0, timeout_ms >= 0 ? clock_monotonic_ms() + timeout_ms : -1);
	return 0;
}

static void socket_free(struct http_socket *socket)
{
	loop_remove(socket->source);
	free(socket);
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct http *http = ctx;
	struct http_socket *socket = socket_ctx;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (socket != NULL)
			socket_free(socket);
		return 0;
	}
	if (socket == NULL) {
		socket = xmalloc(sizeof(*socket));
		*socket = (struct http_socket){.http = http, .fd = fd};
		socket->source = loop_add(http->loop, socket_ready, socket);
		curl_multi_assign(http->multi, fd, socket);
	}
	short events = (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
	loop_set(socket->source, fd, events, -1);
	return 0;
}

struct http *http_new(struct loop *loop, struct error *err)
{
	CURLM *multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
	if (multi == NULL) {
		error_set(err, ERROR_SYSTEM, "libcurl could not be set up");
		return NULL;
	}
	struct http *http = xcalloc(1, sizeof(*http));
	http->loop = loop;
	http->multi = multi;
	http->timer = loop_add(loop, timer_ready, http);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http);
	return http;
}

void http_free(struct http *http)
{
	if (http == NULL)
		return;
	while (http->transfers != NULL) {
		struct transfer *transfer = http->transfers;
		http->transfers = transfer->next;
		transfer_free(transfer);
	}
	curl_multi_cleanup(http->multi); /* closes the idle connections, through set_socket */
	loop_remove(http->timer);
	curl_global_cleanup();
	free(http);
}

struct loop *http_loop(const struct http *http)
{
	return http->loop;
}

/* ---- requests */

static struct curl_slist *header(struct curl_slist *list, const char *name, const char *value)
{
	char *line = xasprintf("%s: %s", name, value);
	struct curl_slist *longer = curl_slist_append(list, line);
	free(line);
	return longer != NULL ? longer : list;
}

static struct curl_slist *further_headers(struct curl_slist *list, const char *const *lines)
{
	for (; lines != NULL && *lines != NULL; lines++) {
		struct curl_slist *longer = curl_slist_append(list, *lines);
		list = longer != NULL ? longer : list;
	}
	return list;
}

static void set_up_body(struct transfer *transfer, const struct http_request *request)
{
	transfer->body = xmemdup(request->body, request->body_len);
	curl_easy_setopt(transfer->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
	curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, transfer->body);
	transfer->headers = header(transfer->headers, "Content-Type",
				   request->content_type != NULL ? request->content_type : "application/json");
	/* Without this libcurl would wait for a "100 Continue" before a large body. */
	transfer->headers = curl_slist_append(transfer->headers, "Expect:");
}

static void set_up_tls(CURL *easy, const struct http_access *access)
{
	if (access->ca != NULL) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, access->ca);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* nobody else's word */
	}
	if (access->certificate != NULL)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, access->certificate);
	if (access->key != NULL)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, access->key);
}

static void set_up_access(struct transfer *transfer, const struct http_access *access)
{
	CURL *easy = transfer->easy;
	set_up_tls(easy, access);
	if (access->user != NULL) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERNAME, access->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, access->password != NULL ? access->password : "");
	}
	if (access->authorization != NULL)
		transfer->headers = header(transfer->headers, "Authorization", access->authorization);
	if (access->proxy != NULL)
		curl_easy_setopt(easy, CURLOPT_PROXY, access->proxy);
	if (access->proxy_credentials != NULL)
		curl_easy_setopt(easy, CURLOPT_PROXYUSERPWD, access->proxy_credentials);
	/* The proxy is none of those who may read our header. */
	curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
}

static void set_up(struct transfer *transfer, const struct http_request *request)
{
	CURL *easy = transfer->easy;
	transfer->headers = header(NULL, "Accept", request->accept != NULL ? request->accept : "application/json");
	transfer->headers = further_headers(transfer->headers, request->headers);
	if (request->body != NULL)
		set_up_body(transfer, request);
	if (request->access != NULL)
		set_up_access(transfer, request->access);
	/* Another scheme is CURLE_UNSUPPORTED_PROTOCOL; without one libcurl would guess from the host's name. */
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, "http");
	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "rollcall");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->timeout_ms);
	/* Large answers come in large pieces. */
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	if (!request->shown_as) /* libcurl's own words name hosts, and quote answers */
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
}

uint64_t http_start(struct http *http, const struct http_request *request,
		    void (*done)(void *ctx, struct http_answer *answer), void *ctx)
{
	struct transfer *transfer = xcalloc(1, sizeof(*transfer));
	transfer->http = http;
	transfer->id = ++http->last_id;
	transfer->done = done;
	transfer->ctx = ctx;
	transfer->facts = (struct http_transfer_facts){
		.url = request->shown_as ? xstrdup(request->shown_as) : http_url_for_people(request->url),
		.timeout_ms = request->timeout_ms,
		.max_body = request->max_body,
	};
	transfer->take = request->take;
	transfer->max_body = request->max_body;
	buffer_init(&transfer->answer, request->max_body);
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL)
		abort(); /* out of memory */
	set_up(transfer, request);
	transfer->next = http->transfers;
	http->transfers = transfer;
	curl_multi_add_handle(http->multi, transfer->easy); /* asks for the timer: done comes from loop_wait */
	return transfer->id;
}

void http_cancel(struct http *http, uint64_t id)
{
	struct transfer *transfer = http->transfers;
	while (transfer != NULL && transfer->id != id)
		transfer = transfer->next;
	if (transfer == NULL)
		return;
	unlink_transfer(http, transfer);
	transfer_free(transfer);
}
