/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_MASTER_SPOOL_H
#define REMOTE_MASTER_SPOOL_H
/*
 * A leader's whole answers, as they came, in a temporary file without a name: to be compared with those of the last time, and
 * to be read item by item when there is something new. The memory it takes does not grow with the answers.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/quickhash.h"
#include "remote/master.h"
#include "remote/master_parse.h"

/* NULL with ERROR_SYSTEM when there is no room for temporary files. */
struct master_spool *master_spool_new(struct error *err);
void master_spool_free(struct master_spool *spool); /* NULL is fine */

/* The next answer begins; what follows belongs to it. */
void master_spool_begin(struct master_spool *spool, enum master_answer answer, const char *url, bool protobuf);
int master_spool_add(struct master_spool *spool, const void *data, size_t len, struct error *err);

/* A hash over all of it: equal only when the same answers came again. */
int master_spool_hash(const struct master_spool *spool, const struct quickhash_key *key,
		      unsigned char out[QUICKHASH_SIZE], struct error *err);

/* Every answer through its parser to the taker. ERROR_CORRUPT: nothing that was taken is to be used. */
int master_spool_read(const struct master_spool *spool, const struct master_taker *taker, struct error *err);

#endif
