/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/http_error.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "remote/http.h"

char *http_url_for_people(const char *url)
{
	const char *host = strstr(url, "://");
	if (host == NULL)
		return xstrdup(url);
	host += strlen("://");
	const char *end = host + strcspn(host, "/?#");
	const char *at = memrchr(host, '@', (size_t)(end - host));
	if (at == NULL)
		return xstrdup(url);
	return xasprintf("%.*s%s", (int)(host - url), url, at + 1);
}

static void describe_half(const struct http_transfer_facts *facts, struct error *err)
{
	if (facts->expected >= 0)
		error_set(err, ERROR_CORRUPT,
			  "%s: sent half a document: the connection ended after %" PRIu64 " of %" PRId64 " bytes",
			  facts->url, facts->received, facts->expected);
	else
		error_set(err, ERROR_CORRUPT,
			  "%s: sent half a document: the connection ended after %" PRIu64 " bytes, before the "
			  "answer's end",
			  facts->url, facts->received);
}

static void describe_timeout(const struct http_transfer_facts *facts, struct error *err)
{
	char span[CLOCK_TEXT_MAX];
	clock_format_span(facts->timeout_ms, span);
	if (facts->received > 0)
		error_set(err, ERROR_UNREACHABLE,
			  "%s: timed out after %s, in the middle of its answer (%" PRIu64 " bytes had come)",
			  facts->url, span, facts->received);
	else
		error_set(err, ERROR_UNREACHABLE, "%s: timed out after %s without an answer", facts->url, span);
}

static void describe_connect(const struct http_transfer_facts *facts, const char *why, struct error *err)
{
	if (facts->os_error != 0)
		error_errno(err, ERROR_UNREACHABLE, facts->os_error, "%s: no connection", facts->url);
	else
		error_set(err, ERROR_UNREACHABLE, "%s: no connection: %s", facts->url, why);
}

/* Lost on the way: with the first byte of a body it is half a document, before that it is no answer. */
static void describe_loss(const struct http_transfer_facts *facts, const char *why, struct error *err)
{
	if (facts->received > 0)
		describe_half(facts, err);
	else
		error_set(err, ERROR_UNREACHABLE, "%s: the connection ended before an answer came: %s", facts->url,
			  why);
}

static void describe_scheme(const struct http_transfer_facts *facts, struct error *err)
{
	if (strstr(facts->url, "://") == NULL || strncasecmp(facts->url, "http://", 7) == 0 ||
	    strncasecmp(facts->url, "https://", 8) == 0)
		error_set(err, ERROR_CORRUPT, "%s: answered something that is no HTTP: is it the right port?",
			  facts->url);
	else
		error_set(err, ERROR_USAGE, "%s: this is no URL to ask: write http://HOST:PORT or https://HOST:PORT",
			  facts->url);
}

void http_describe_failure(const struct http_transfer_facts *facts, CURLcode code, const char *curl_text,
			   struct error *err)
{
	const char *why = curl_text[0] != '\0' ? curl_text : curl_easy_strerror(code);
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		describe_connect(facts, why, err);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		describe_timeout(facts, err);
		break;
	case CURLE_PARTIAL_FILE:
		describe_half(facts, err);
		break;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
		describe_loss(facts, why, err);
		break;
	case CURLE_WRITE_ERROR: /* only our own callback fails */
		error_set(err, ERROR_CORRUPT, "%s: its answer is larger than the %zu bytes that are accepted",
			  facts->url, facts->max_body);
		break;
	case CURLE_COULDNT_RESOLVE_HOST:
		error_set(err, ERROR_UNREACHABLE, "%s: there is no host of that name: %s", facts->url, why);
		break;
	case CURLE_URL_MALFORMAT:
		error_set(err, ERROR_USAGE, "%s: this is no URL: %s", facts->url, why);
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
		describe_scheme(facts, err);
		break;
	case CURLE_WEIRD_SERVER_REPLY:
		error_set(err, ERROR_CORRUPT, "%s: answered something that is no HTTP: %s", facts->url, why);
		break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		error_set(err, ERROR_UNREACHABLE, "%s: TLS failed: %s", facts->url, why);
		break;
	default:
		error_set(err, ERROR_UNREACHABLE, "%s: %s", facts->url, why);
		break;
	}
}
