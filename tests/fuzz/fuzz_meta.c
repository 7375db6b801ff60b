/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as one of the files below an agent's meta folder: the whole checkpoint is read, or refused as broken, and what the
 * executors' ExecutorInfos say is asked of every task. The first byte says which file it is, the rest is in it; the others are as
 * an agent leaves them.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/checkpoint.h"
#include "mesos/pb.h"
#include "mesos/wire.h"
#include "tests/support/scratch.h"

#define AGENT    "meta/slaves/S1"
#define EXECUTOR AGENT "/frameworks/F1/executors/E1"
#define RUN      EXECUTOR "/runs/C1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EXECUTOR_INFO, FRAMEWORK_INFO, UPDATES, SLAVE_INFO, RESERVED, STATE, PID, BOOT_ID, FILES };

/* tests/fuzz/seeds.py knows this order, too. */
static const char *const paths[FILES] = {
	[EXECUTOR_INFO] = EXECUTOR "/executor.info",
	[FRAMEWORK_INFO] = AGENT "/frameworks/F1/framework.info",
	[UPDATES] = RUN "/tasks/T1/task.updates",
	[SLAVE_INFO] = AGENT "/slave.info",
	[RESERVED] = "meta/resources/resources.info",
	[STATE] = "meta/resources/resources_and_operations.state",
	[PID] = RUN "/pids/forked.pid",
	[BOOT_ID] = "meta/boot_id",
};
static struct buffer valid[FILES];
static char *work_dir;

static void must(bool holds)
{
	if (!holds)
		__builtin_trap();
}

/* ---- what an agent leaves */

static void put(const char *path, const void *data, size_t len)
{
	char *full = path_join(work_dir, path);
	int fd;

	unlink(full); /* to truncate it would have some file systems wait for the disk */
	fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
	free(full);
}

static void put_valid(int file)
{
	put(paths[file], buffer_text(&valid[file]), valid[file].len);
}

static void clean_up(void)
{
	for (int i = 0; i < FILES; i++)
		buffer_clear(&valid[i]);
	scratch_remove(work_dir);
}

/* A length and a message with these bytes as its only field. */
static void make_record(uint32_t field, const struct buffer *payload, struct buffer *out)
{
	struct buffer message = BUFFER_INIT(CHECKPOINT_MAX);
	uint32_t len;

	wire_put_varint(&message, (uint64_t)field << 3 | WIRE_BYTES);
	wire_put_varint(&message, payload->len);
	buffer_append(&message, buffer_text(payload), payload->len);
	len = (uint32_t)message.len;
	buffer_append(out, &len, sizeof len);
	buffer_append(out, buffer_text(&message), message.len);
	buffer_clear(&message);
}

static void make_valid(void)
{
	Mesos__FrameworkInfo framework = MESOS__FRAMEWORK_INFO__INIT;
	struct buffer docker = BUFFER_INIT(CHECKPOINT_MAX);
	struct flags flags = FLAGS_INIT;
	Mesos__SlaveInfo *info;
	uint32_t len;

	flags_set(&flags, "hostname", "node1");
	flags_set(&flags, "resources", "cpus:4;mem:1;disk:1;ports:[1-9]");
	info = slaveinfo_from_flags(&flags, NULL, &mesos_version_newest, NULL);
	slaveinfo_set_id(info, "S1");
	checkpoint_build(info, &valid[SLAVE_INFO]);
	slaveinfo_free(info);
	flags_clear(&flags);

	framework.has_checkpoint = true;
	framework.checkpoint = true;
	framework.user = (char *)(uintptr_t) "nobody";
	framework.name = framework.user;
	len = (uint32_t)protobuf_c_message_get_packed_size(&framework.base);
	buffer_append(&valid[FRAMEWORK_INFO], &len, sizeof len);
	pb_pack(&framework, &valid[FRAMEWORK_INFO]);

	buffer_puts(&docker, "\010\001"); /* type: DOCKER */
	make_record(11, &docker, &valid[EXECUTOR_INFO]);
	buffer_clear(&docker);
	buffer_puts(&valid[PID], "4711");
	buffer_puts(&valid[BOOT_ID], "boot-1");
}

static void make_tree(void)
{
	static const char *const folders[] = {AGENT, RUN "/tasks/T1", RUN "/pids", "meta/resources"};
	char *latest;

	work_dir = scratch_new();
	atexit(clean_up);
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		char *folder = path_join(work_dir, folders[i]);

		must(file_make_dirs(folder, 0700, NULL) == 0);
		free(folder);
	}
	latest = path_join(work_dir, "meta/slaves/latest");
	must(symlink("S1", latest) == 0);
	free(latest);
	for (int i = 0; i < FILES; i++)
		buffer_init(&valid[i], CHECKPOINT_MAX);
	make_valid();
	for (int i = 0; i < FILES; i++)
		put_valid(i);
	put(RUN "/tasks/T1/task.info", "", 0);
}

/* ---- reading it */

static void read_all(int changed)
{
	struct checkpoint_state state;
	struct checkpoint_agent agent;
	struct error err = ERROR_INIT;

	memset(&state, 0, sizeof state);
	if (checkpoint_read("/", work_dir, &state, &err) != 0) {
		must(err.kind == ERROR_CORRUPT);
		must(changed != EXECUTOR_INFO && changed != UPDATES && changed != PID);
		return;
	}
	must(strcmp(state.agent_id, "S1") == 0 && state.info != NULL);
	checkpoint_agent_open("/", work_dir, state.agent_id, &agent);
	for (size_t i = 0; i < state.task_count; i++) {
		bool docker = checkpoint_executor_in_docker(&agent, &state.tasks[i]);

		must(docker || changed == EXECUTOR_INFO);
	}
	checkpoint_agent_close(&agent);
	must(state.task_count == 1 || changed == FRAMEWORK_INFO);
	checkpoint_state_clear(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int file;

	if (size == 0 || size > CHECKPOINT_MAX)
		return 0;
	if (work_dir == NULL)
		make_tree();
	file = data[0] % FILES;
	put(paths[file], data + 1, size - 1);
	read_all(file);
	put_valid(file);
	return 0;
}
