/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_COMMANDS_MASTERS_H
#define LAB_COMMANDS_MASTERS_H
/*
 * The masters of a lab that is being made: how many, where, of which version; their certificates and credentials; what
 * the cluster file says of them. And afterwards: asking the one that leads.
 */
#include <jansson.h>

#include "base/error.h"
#include "lab/core/lab.h"

#define MASTERS_MAX 5

struct masters_request {
	int64_t count;
	int64_t without_domain; /* so many of them, the last ones, have no domain */
	const char *versions;   /* "1.4.0" of all, "1.12.0,1.4.0" of each; NULL: the newest */
	bool tls;
	bool client_certificates; /* required; with tls alone they are only asked for */
	bool authenticate;
};

/* ERROR_USAGE when the request makes no sense, ERROR_SYSTEM when something it needs is not installed. */
int masters_check(const struct masters_request *request, struct error *err);
/* net: the lab's first 127.A.B, as A * 256 + B. The request must have been checked. */
void masters_place(struct lab *lab, const struct masters_request *request, int net);
/* Certificates and credentials, as far as they are wanted. */
int masters_make_files(const struct lab *lab, struct error *err);
/* The members "masters" and "access" of the cluster file are added to cluster. */
void masters_describe(const struct lab *lab, json_t *cluster);

/* What the leader answers to `status`; NULL when nobody leads now. The caller owns it. */
json_t *masters_ask_leader(const struct lab *lab, int timeout_ms);
/* The role of who leads ("master:2"); NULL when nobody does. Borrowed from lab. */
const char *masters_leader(const struct lab *lab, int timeout_ms);

#endif
