/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The masters' registry: what is written is what another master reads, an agent's SlaveInfo replaced as a whole, and a
 * master that is killed while it writes leaves the registry of before or the new one. It is killed at every system call.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lab/master/master.h"
#include "mesos/pb.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

#define AGENTS    5
#define CALLS_MAX 100000 /* far more than a write takes */

struct world {
	struct lab lab;
	struct events *events;
	struct master master;
};

static Mesos__Attribute *attribute(const char *name, const char *value)
{
	Mesos__Attribute *made = pb_new(&mesos__attribute__descriptor);
	made->name = xstrdup(name);
	made->type = MESOS__VALUE__TYPE__TEXT;
	made->text = pb_new(&mesos__value__text__descriptor);
	made->text->value = xstrdup(value);
	return made;
}

/* An agent of generation "old" has one attribute more, and what is left has another value. */
static Mesos__SlaveInfo *make_info(int number, const char *generation)
{
	struct error err = ERROR_INIT;
	struct resources resources = {.items = NULL};
	Mesos__SlaveInfo *info = pb_new(&mesos__slave_info__descriptor);
	Mesos__Attribute *own = attribute("generation", generation);
	char *id = xasprintf("M-S%d", number);
	bool old = strcmp(generation, "old") == 0;
	assert_ok(resources_parse(old ? "cpus:8;mem(web):100" : "cpus:2;mem(db):50;gpus:1", NULL, &mesos_version_newest,
				  &resources, &err),
		  &err);
	info->hostname = xasprintf("node%d", number);
	slaveinfo_set_id(info, id);
	info->resources = resources.items;
	info->n_resources = resources.count;
	PB_APPEND(info->attributes, info->n_attributes, own);
	if (old) {
		Mesos__Attribute *gone = attribute("gone", "x");
		PB_APPEND(info->attributes, info->n_attributes, gone);
	}
	free(id);
	return info;
}

static void nothing_due(void *ctx)
{
	(void)ctx;
}

static void open_world(struct world *world, char *folder)
{
	struct error err = ERROR_INIT;
	memset(world, 0, sizeof(*world));
	world->lab = (struct lab){.dir = folder, .time_scale = 1};
	world->events = events_new(&err);
	assert_non_null(world->events);
	world->master = (struct master){.lab = &world->lab, .elected = true, .id = xstrdup("M")};
	world->master.registry_timer = timer_new(world->events, nothing_due, NULL);
}

static void close_world(struct world *world)
{
	master_agents_free(&world->master);
	timer_free(world->master.registry_timer);
	events_free(world->events);
	free(world->master.framework_origin);
	free(world->master.id);
}

static void fill(struct world *world, const char *generation)
{
	world->master.framework_origin = xstrdup("M");
	for (int i = 0; i < AGENTS; i++) {
		Mesos__SlaveInfo *info = make_info(i, generation);
		struct master_agent *agent = master_agent_add(&world->master, info->id->value, info);
		agent->deactivated = i == 1;
		agent->standing = i == 2 ? STANDING_UNREACHABLE : i == 3 ? STANDING_GONE : STANDING_REGISTERED;
	}
}

static void write_generation(char *folder, const char *generation)
{
	struct world world;
	open_world(&world, folder);
	fill(&world, generation);
	master_registry_write(&world.master);
	close_world(&world);
}

/* What another master reads: every agent, of one generation, in every field. */
static const char *read_generation(char *folder)
{
	static char found[16];
	struct world world;
	struct error err = ERROR_INIT;
	open_world(&world, folder);
	assert_ok(master_registry_load(&world.master, &err), &err);
	snprintf(found, sizeof(found), "%s", world.master.agents != NULL ? "old" : "nothing");
	for (int i = 0; i < AGENTS && world.master.agents != NULL; i++) {
		char *id = xasprintf("M-S%d", i);
		const struct master_agent *agent = master_agent_find(&world.master, id);
		assert_non_null(agent);
		if (i == 0)
			snprintf(found, sizeof(found), "%s", agent->info->attributes[0]->text->value);
		Mesos__SlaveInfo *wanted = make_info(i, found);
		assert_true(pb_equal(agent->info, wanted));
		assert_int_equal(agent->standing, i == 2   ? STANDING_UNREACHABLE
						  : i == 3 ? STANDING_GONE
							   : STANDING_RECOVERED);
		assert_int_equal(agent->deactivated, i == 1);
		slaveinfo_free(wanted);
		free(id);
	}
	close_world(&world);
	return found;
}

static void what_is_written_replaces_what_was_there(void **state)
{
	char *folder = scratch_new();
	(void)state;
	assert_string_equal(read_generation(folder), "nothing");
	write_generation(folder, "old");
	assert_string_equal(read_generation(folder), "old");
	write_generation(folder, "new");
	assert_string_equal(read_generation(folder), "new");
	scratch_remove(folder);
}

static void be_killed(char *folder)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(1);
	raise(SIGSTOP);
	write_generation(folder, "new");
	_exit(0);
}

/* Lets the child go on to its next system call's beginning or end. */
static bool steps(pid_t child)
{
	int status;
	assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSTOPPED(status);
}

/* True when it was killed after so many steps, false when it had ended by then. */
static bool write_and_die(char *folder, int after)
{
	int status;
	pid_t child = fork();
	if (child == 0)
		be_killed(folder);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status)); /* else tracing is not allowed here */
	for (int i = 0; i < after; i++) {
		if (!steps(child))
			return false;
	}
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	return true;
}

static void killed_at_any_moment_it_is_old_or_new(void **state)
{
	char *folder = scratch_new();
	int olds = 0, news = 0, after = 0;
	(void)state;
	write_generation(folder, "old");
	for (; after < CALLS_MAX && write_and_die(folder, after); after++) {
		bool is_new = strcmp(read_generation(folder), "new") == 0;
		olds += !is_new;
		news += is_new;
		if (is_new)
			write_generation(folder, "old");
	}
	assert_true(olds > 1);
	assert_true(news > 1);
	assert_string_equal(read_generation(folder), "new"); /* the last one was let go */
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_replaces_what_was_there),
		cmocka_unit_test(killed_at_any_moment_it_is_old_or_new),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
