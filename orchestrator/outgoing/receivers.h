/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTGOING_RECEIVERS_H
#define ORCHESTRATOR_OUTGOING_RECEIVERS_H
/* What an operator may ask for: names, URLs and files of receivers, checked before they are in the database. */
#include "orchestrator/outgoing/queue.h"

/* http:// or https:// with a host, no user or password in it, nothing that is no URL. ERROR_USAGE otherwise. */
int receiver_check_url(const char *url, struct error *err);
/* Letters, digits, '.', '_' and '-', at most 64 of them. */
int receiver_check_name(const char *name, struct error *err);
/* A list of kinds, separated by commas. */
int receiver_check_kinds(const char *kinds, struct error *err);

#endif
