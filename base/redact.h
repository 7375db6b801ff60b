/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_REDACT_H
#define BASE_REDACT_H
/* What others say (a gate's output, a host's last words) may hold a secret, and is kept for good. */

/*
 * A copy in which what looks like a secret is "<redacted>": the value behind a name that holds password, passphrase, secret, token,
 * credential, private_key, api_key, access_key, authorization or jwt and a = or a colon, the word behind Bearer and Basic, and
 * user:password in a URL. The caller's.
 */
char *redact_text(const char *text);

/* The same for nothing but user:password in URLs ("zk://<redacted>@h1:2181/mesos"): for values whose names say that they hold no secret. */
char *redact_urls(const char *text);

#endif
