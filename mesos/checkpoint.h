/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_CHECKPOINT_H
#define MESOS_CHECKPOINT_H
/*
 * The agent's files under <work_dir>/meta: reading them without trusting them, and making the bytes of a new slave.info by
 * splicing. Nothing here writes a file: what to write where, and in which order, is the operation's business.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/checkpoint_files.h"
#include "mesos/executor.h"
#include "mesos/resources.h"
#include "mesos/slaveinfo.h"

/* A real slave.info is a few KB; one with thousands of ports or volumes stays far below this. */
#define CHECKPOINT_MAX (4u << 20)

/* Bytes of slave.info (length prefix and message) to a SlaveInfo. ERROR_CORRUPT says what is wrong: empty, truncated
 * (N of M bytes), oversized, trailing bytes, foreign. */
Mesos__SlaveInfo *checkpoint_parse(const char *path, const void *data, size_t len, struct error *err);

/* The bytes of slave.info for a SlaveInfo as an agent would write it the first time. */
void checkpoint_build(const Mesos__SlaveInfo *info, struct buffer *out);

/* New slave.info bytes: resources, attributes, domain and port of target spliced into old at wire level, wherever they
 * differ; every other byte, unknown fields too, is copied. Verified before it returns: what comes out reads back as
 * target with old's ID and hostname, and the copied fields are the same bytes. */
int checkpoint_splice(const void *old, size_t old_len, const Mesos__SlaveInfo *target, struct buffer *out,
		      struct error *err);

/* What <root><work_dir>/meta says. */
struct checkpoint_task {
	char *framework_id, *executor_id, *container_id, *task_id;
	bool framework_checkpoints; /* FrameworkInfo.checkpoint */
	long executor_pid;          /* forked.pid; 0 when unknown */
	enum executor_api executor_api;
	bool completed; /* the executor's sentinel is there, or the last update is terminal */
};
struct checkpoint_state {
	char *agent_id;        /* NULL: no latest link, the agent would register as a new one */
	char *boot_id;         /* meta/boot_id; NULL when missing */
	char *slave_info_path; /* below root; NULL with agent_id NULL */
	struct buffer bytes;   /* slave.info as it is */
	Mesos__SlaveInfo *info;
	struct resources reserved; /* dynamic reservations and volumes */
	struct checkpoint_task *tasks;
	size_t task_count;
	int64_t written_ms; /* wall clock: when agent or executors last wrote about a framework; 0: never */
};
void checkpoint_state_clear(struct checkpoint_state *state);

/* Reads it all. No symbolic link but `latest` (absolute or relative, and it must stay inside meta/slaves) is followed.
 * A missing meta folder or latest link is success with agent_id NULL; a broken slave.info is ERROR_CORRUPT. */
int checkpoint_read(const char *root, const char *work_dir, struct checkpoint_state *out, struct error *err);

/* An agent's folder, for questions about one executor after the other. What cannot be opened (or has no agent_id) answers none. */
struct checkpoint_agent {
	struct meta_dir dir;
	struct buffer bytes; /* read last */
};
void checkpoint_agent_open(const char *root, const char *work_dir, const char *agent_id, struct checkpoint_agent *out);
void checkpoint_agent_close(struct checkpoint_agent *agent);

/* Is the executor of that task in a Docker container, by its ExecutorInfo? false also where that cannot be read. */
bool checkpoint_executor_in_docker(struct checkpoint_agent *agent, const struct checkpoint_task *task);

#endif
