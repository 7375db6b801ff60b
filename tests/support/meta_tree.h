/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_META_TREE_H
#define TESTS_SUPPORT_META_TREE_H
/*
 * Two work folders with what real agents left in them (tests/data/mesos/captured), copied so that tests can break them:
 * /w1/meta is of the agent with static reservations, /w2/meta of the one with tasks and dynamic reservations.
 */
#include <stddef.h>

#include "mesos/checkpoint.h"

#define AGENT_1 "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S1"
#define AGENT_2 "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S2"
/* A task of the second agent. */
#define RUN_1   "w2/meta/slaves/" AGENT_2 "/frameworks/8f2ece77-393b-4ca8-b8c1-0914a9839fd8-0000/executors/ck1/runs"
#define TASK_1  RUN_1 "/edfb19f1-8f1d-4e02-a86d-86917f19ce79/tasks/ck1"

/* cmocka fixtures. */
int meta_tree_set_up(void **state);
int meta_tree_tear_down(void **state);

const char *meta_tree_root(void);
/* "<root>/<path>"; the caller's. */
char *meta_tree_path(const char *path);
void meta_tree_write(const char *path, const void *data, size_t len);
void meta_tree_link(const char *path, const char *target);

/* Reads it as checkpoint_read does; a failure fails the test. */
struct checkpoint_state meta_tree_read(const char *work_dir);
/* It must fail with this kind and these words, and leave its output alone. */
void meta_tree_read_fails(const char *work_dir, enum error_kind kind, const char *words);

#endif
