/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_WEB_STREAM_H
#define LAB_CORE_WEB_STREAM_H
/* What web.c needs of its streams; everybody else finds them in web.h. */
#include <microhttpd.h>

#include "lab/core/web.h"

/* run: the server's timer, by which it looks after its connections; borrowed. */
struct MHD_Response *web_stream_response(struct web_stream *stream, struct timer *run);
/* The server ends: a stream that waits for something to send must not. */
void web_stream_wake(struct web_stream *stream);

#endif
