/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the inventory answers, on a generated fleet. Repeat it with
 *
 *	make build/gcc/bin/tests/bench/bench_inventory && build/gcc/bin/tests/bench/bench_inventory
 *
 * bench_inventory [AGENTS [POLLS [FILE]]]: 50000 agents, 1000 polls without a change, a database in a scratch folder
 * unless FILE says where it stays. Exit status 1 when a selector takes 50 ms of processor time or more (the best of five;
 * behind it the time on the wall, which is the same when the machine does nothing else), or the polls add 1 MB or
 * more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "inventory/agents.h"
#include "inventory/cluster.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch.h"

#define LIMIT_MS     50.0
#define LIMIT_GROWTH 1000000
#define REPEATS      5
#define TASKS_EACH   2

static struct error error;

static void must(int result)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s\n", error.text);
	exit(2);
}

/* ---- the fleet: 40 hosts in a rack, 50 racks in a zone, one agent in eight without tasks */

static void make_agent(size_t number, struct agent_view *out)
{
	char id[64], hostname[64], ip[32], attributes[160], zone[16], used[64];
	const struct fleet_agent agent = {
		.id = id,
		.hostname = hostname,
		.ip = ip,
		.version = number % 3 ? "1.11.0" : "1.9.0",
		.attributes = attributes,
		.resources = number % 2 ? "cpus:32;mem:131072;disk:1000000;ports:[31000-32000]"
					: "cpus:16;mem:65536;mem(web):8192;disk:500000;gpus:2;ports:[31000-32000]",
		.used = number % 8 ? used : NULL,
		.region = number % 2000 < 1000 ? "eu" : "us",
		.zone = zone,
		.inactive = number % 500 == 0,
	};

	snprintf(id, sizeof(id), "8f2ece77-393b-4ca8-b8c1-0914a9839fd8-S%zu", number);
	snprintf(hostname, sizeof(hostname), "node%05zu.example.com", number);
	snprintf(ip, sizeof(ip), "10.%zu.%zu.%zu", number >> 16, number >> 8 & 255, number & 255);
	snprintf(attributes, sizeof(attributes), "rack:r%zu;tier:%s;cores:%zu;ssd:%s;generation:g%zu", number / 40,
		 number % 5 ? "batch" : "web", number % 4 * 8 + 8, number % 2 ? "true" : "false", number % 7);
	snprintf(zone, sizeof(zone), "z%zu", number / 2000);
	snprintf(used, sizeof(used), "cpus:%zu;mem:%zu", number % 13 + 1, number % 13 * 1024 + 512);
	fleet_view(&agent, out);
}

static char *numbered(const char *format, size_t number)
{
	return xasprintf("%s-%zu", format, number);
}

static void make_task(const struct agent_view *agent, size_t number, struct task_view *out)
{
	*out = (struct task_view){
		.id = numbered("task", number),
		.name = numbered("service", number % 100),
		.framework_id = numbered("framework", number % 10),
		.executor_id = xstrdup(""),
		.agent_id = xstrdup(agent->id),
		.state = xstrdup("TASK_RUNNING"),
		.reason = xstrdup(""),
	};
}

static void make_framework(size_t number, struct framework_view *out)
{
	*out = (struct framework_view){
		.id = numbered("framework", number),
		.name = numbered("marathon", number),
		.role = xstrdup("*"),
		.active = true,
		.checkpoint = true,
	};
}

static void make_answer(size_t count, struct agents_answer *out)
{
	struct agent_view *agents = xcalloc(count, sizeof(*agents));
	struct task_view *tasks = xcalloc(count * TASKS_EACH, sizeof(*tasks));
	struct framework_view *frameworks = xcalloc(10, sizeof(*frameworks));
	size_t task_count = 0;

	for (size_t i = 0; i < count; i++)
		make_agent(i, &agents[i]);
	for (size_t i = 0; i < count * TASKS_EACH; i++)
		if (i / TASKS_EACH % 8)
			make_task(&agents[i / TASKS_EACH], i, &tasks[task_count++]);
	for (size_t i = 0; i < 10; i++)
		make_framework(i, &frameworks[i]);
	*out = (struct agents_answer){
		.master = "http://127.0.0.1:5050",
		.agents = agents,
		.agent_count = count,
		.tasks = tasks,
		.task_count = task_count,
		.frameworks = frameworks,
		.framework_count = 10,
	};
}

/* ---- what is measured */

static const char *const selectors[] = {
	"rack = r17",
	"rack != r17",
	"rack in (r1, r2, r3, r4, r5)",
	"tier = web",
	"not tier = web",
	"tier = batch and ssd = true and generation != g3",
	"cores >= 16",
	"hostname = node00042.example.com",
	"id != x",
	"ip = 10.0.0.3",
	"version = 1.11.0",
	"active = false",
	"zone = z3 or region = us",
	"tasks = 0",
	"tasks >= 2",
	"cpus > 16",
	"mem >= 73728 and gpus = 2",
	"mem.free > 64GB and cpus.free >= 8 and disk > 500GB",
	"mem(web) > 0",
	"resource.mem.free('*') > 60GB",
	"hostname in node[00001-49999/2].example.com",
	"hostname like '%7.example.com'",
	"hostname ~ '[0-4]2\\.example'",
	"rack ~ '^r1?[0-9]$'",
	"rack in r[100-199]",
	"version < 1.10",
	"framework = marathon-3",
	"framework != marathon-3",
	"task like 'service-1_'",
	"frameworks > 1",
	"seen < 2h and changed < 30d",
	"surveyed < 1d",
	"survey != never or drift = true",
	"config = web@3",
	"(rack = r1 or tier = web) and not zone = z1 and cores >= 8 and ssd != false and generation != g1",
};

static double read_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

struct times {
	double processor, wall; /* ms */
};

/* Parses and runs it as every command does; the times are the best. */
static struct times measure(struct store *store, int64_t cluster, const char *text, size_t *chosen)
{
	struct times best = {1e9, 1e9};

	for (size_t i = 0; i < REPEATS; i++) {
		double wall = read_ms(CLOCK_MONOTONIC), processor = read_ms(CLOCK_PROCESS_CPUTIME_ID);
		struct selector *selector = selector_parse("bench", text, &error);
		int64_t *rows = NULL;

		must(selector ? 0 : -1);
		must(agents_choose(store, cluster, selector, &rows, chosen, &error));
		wall = read_ms(CLOCK_MONOTONIC) - wall;
		processor = read_ms(CLOCK_PROCESS_CPUTIME_ID) - processor;
		best.wall = wall < best.wall ? wall : best.wall;
		best.processor = processor < best.processor ? processor : best.processor;
		free(rows);
		selector_free(selector);
	}
	return best;
}

static bool measure_selectors(struct store *store, int64_t cluster)
{
	bool good = true;

	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		size_t chosen = 0;
		struct times times = measure(store, cluster, selectors[i], &chosen);
		bool quick = times.processor < LIMIT_MS;

		printf("%6.1f ms (wall %6.1f) %6zu agents  %s%s\n", times.processor, times.wall, chosen, selectors[i],
		       quick ? "" : "  TOO SLOW");
		good = good && quick;
	}
	return good;
}

static int64_t file_size(const char *path, const char *more)
{
	char *name = xasprintf("%s%s", path, more);
	struct stat st;
	int64_t size = stat(name, &st) == 0 ? (int64_t)st.st_size : 0;

	free(name);
	return size;
}

/* All of the database in its one file. */
static int64_t settled_size(struct store *store)
{
	must(store_run(store, &error, "PRAGMA wal_checkpoint(TRUNCATE)", ""));
	return file_size(store_path(store), "") + file_size(store_path(store), "-wal");
}

static bool measure_polls(struct store *store, int64_t cluster, const struct agents_answer *answer, size_t polls)
{
	int64_t before = settled_size(store), growth;
	struct agents_summary summary;
	double start = read_ms(CLOCK_MONOTONIC);

	for (size_t i = 0; i < polls; i++)
		must(agents_sync(store, cluster, answer, clock_wall_ms(), &summary, &error));
	growth = settled_size(store) - before;
	printf("%zu polls without a change: %.1f ms each, %" PRId64 " bytes more%s\n", polls,
	       polls ? (read_ms(CLOCK_MONOTONIC) - start) / (double)polls : 0, growth,
	       growth < LIMIT_GROWTH ? "" : "  TOO MUCH");
	return growth < LIMIT_GROWTH;
}

static bool run(const char *path, size_t count, size_t polls)
{
	struct store *store = store_open(path, true, &error);
	struct agents_answer answer;
	struct agents_summary summary;
	int64_t cluster;
	double start;
	bool good;

	must(store ? 0 : -1);
	must(cluster_id(store, "bench", &cluster, &error));
	make_answer(count, &answer);
	start = read_ms(CLOCK_MONOTONIC);
	must(agents_sync(store, cluster, &answer, clock_wall_ms(), &summary, &error));
	printf("%zu agents: first sync %.0f ms, %" PRId64 " bytes\n", count, read_ms(CLOCK_MONOTONIC) - start,
	       file_size(path, "") + file_size(path, "-wal"));
	good = measure_selectors(store, cluster);
	good = measure_polls(store, cluster, &answer, polls) && good;
	store_close(store);
	return good; /* the process ends: nothing is freed */
}

int main(int argc, char *argv[])
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 50000,
	       polls = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
	char *folder = argc > 3 ? NULL : scratch_new();
	char *path = folder ? path_join(folder, "bench.db") : xstrdup(argv[3]);
	bool good = run(path, count, polls);

	if (folder)
		scratch_remove(folder);
	free(path);
	return good ? 0 : 1;
}
