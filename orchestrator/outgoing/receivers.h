/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_RECEIVERS_H
#define ORCHESTRATOR_OUTGOING_RECEIVERS_H
/* What an operator may ask for: names, URLs and files of receivers, checked before they are in the database. */
#include "orchestrator/outgoing/queue.h"

/* http:// or https:// with a host, without user, password and query, and nothing that is no URL. ERROR_USAGE otherwise. */
int receiver_check_url(const char *url, struct error *err);
/* Letters, digits, '.', '_' and '-', at most 64 of them. */
int receiver_check_name(const char *name, struct error *err);
/* A list of kinds, separated by commas. */
int receiver_check_kinds(const char *kinds, struct error *err);

/* In the place of a URL: it is the one line of the file whose path follows, and stays there. */
#define RECEIVER_URL_FILE "file:"

/* The URL itself, read anew each time, for secret_free. Errors are those of secret_read, and ERROR_USAGE when it is none. */
char *receiver_read_url(const char *url, struct error *err);

/* As it may be shown and kept: without user, password, and what follows a ?. The caller's. */
char *receiver_shown_url(const char *url);

#endif
