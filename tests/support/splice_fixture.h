/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SPLICE_FIXTURE_H
#define TESTS_SUPPORT_SPLICE_FIXTURE_H
/* Checkpoints to splice, and what has to hold afterwards. Everything asserts; buffers and SlaveInfos are the caller's. */
#include "base/buffer.h"
#include "mesos/checkpoint.h"

#define SPLICE_RESOURCES "cpus:4;mem:4096;disk:10000;ports:[31000-32000]"

/* An agent n1 with the ID S1; domain may be NULL. */
Mesos__SlaveInfo *splice_make(const char *attributes, const char *resources, const char *domain, const char *port);
struct buffer splice_built(const Mesos__SlaveInfo *info);
struct buffer splice_framed(const struct buffer *message); /* a checkpoint's bytes from those of its message */
Mesos__SlaveInfo *splice_parsed(const struct buffer *bytes);
struct buffer splice_do(const struct buffer *old, const Mesos__SlaveInfo *target);
void splice_assert_same(const struct buffer *a, const struct buffer *b);
/* With an unknown field before, behind and between all records ("first", "last"), and one inside each resource and
 * attribute ("inner"). */
struct buffer splice_with_unknown(const Mesos__SlaveInfo *info);
/* All of those outside entries are there in new, in their order. */
void splice_assert_unknown_kept(const struct buffer *old, const struct buffer *new);

#endif
