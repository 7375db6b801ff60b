/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_MASTER_URL_H
#define REMOTE_MASTER_URL_H
/* URLs of masters. Only for remote/master_question.c. */
#include <stdbool.h>

/* Without slashes at its end; the caller frees it. */
char *master_url_base(const char *url);
/* The base of the master that a redirect names: what is left of location without the path that was asked. NULL when the redirect is to
 * something else; the caller frees it. */
char *master_url_redirected(const char *location, const char *path);
bool master_url_is_https(const char *url);

#endif
