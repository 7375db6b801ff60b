/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_HTTP_ERROR_H
#define REMOTE_HTTP_ERROR_H
/* Why a request got no whole answer, in plain words. Only for remote/http.c. */
#include <curl/curl.h>
#include <stdint.h>

#include "base/error.h"

struct http_transfer_facts {
	char *url; /* as it may be shown */
	int64_t timeout_ms;
	size_t max_body;
	uint64_t received; /* bytes of the body */
	int64_t expected;  /* Content-Length; -1: not said */
	int os_error;      /* errno of the connection; 0: none */
};

/* code is not CURLE_OK; curl_text is libcurl's own message, "" when it had none. */
void http_describe_failure(const struct http_transfer_facts *facts, CURLcode code, const char *curl_text,
			   struct error *err);

#endif
