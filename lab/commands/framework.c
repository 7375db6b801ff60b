/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall-lab framework: a small scheduler, for trying out what frameworks are told. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "lab/commands/commands.h"
#include "lab/commands/framework.h"
#include "lab/commands/framework_link.h"
#include "lab/commands/masters.h"
#include "lab/core/lab.h"

#define ASK_TIMEOUT_MS  5000
#define AGAIN_US        300000 /* until it subscribes again */
#define LOOK_EVERY_MS   500    /* whether it is to end */
#define SILENCE_MS      90000  /* six heartbeats: the master is not there any more */
#define FAILOVER_WISHED "1weeks"
#define TEXT_MAX        (1u << 20)

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static bool is_over(const struct framework *framework)
{
	return ended || (framework->until_ms > 0 && clock_monotonic_ms() >= framework->until_ms);
}

/* ---- who it is */

static void add_capability(json_t *list, const char *type)
{
	json_array_append_new(list, json_pack("{ss}", "type", type));
}

static json_t *make_info(const struct framework *framework)
{
	json_t *capabilities = json_array();
	add_capability(capabilities, "RESERVATION_REFINEMENT");
	add_capability(capabilities, "TASK_KILLING_STATE");
	if (framework->partition_aware)
		add_capability(capabilities, "PARTITION_AWARE");
	if (framework->observer)
		add_capability(capabilities, "SLAVE_STATE_OBSERVER");
	json_t *info = json_pack("{ss ss ss sb sf so}", "user", framework->lab->user, "name", framework->name, "role",
				 framework->role, "checkpoint", (int)framework->checkpoint, "failover_timeout",
				 (double)framework->failover_ms / 1000, "capabilities", capabilities);
	if (framework->id != NULL)
		json_object_set_new(info, "id", json_pack("{ss}", "value", framework->id));
	return info;
}

static json_t *make_subscribe(const struct framework *framework)
{
	json_t *call = json_pack("{ss s{so}}", "type", "SUBSCRIBE", "subscribe", "framework_info",
				 make_info(framework));
	if (framework->id != NULL)
		json_object_set_new(call, "framework_id", json_pack("{ss}", "value", framework->id));
	return call;
}

/* ---- the subscription */

static int open_subscription(struct framework *framework, struct error *err)
{
	const char *role = masters_leader(framework->lab, ASK_TIMEOUT_MS);
	if (role == NULL)
		return error_set(err, ERROR_UNREACHABLE, "no master leads");
	framework->address = lab_master_find(framework->lab, role)->address;
	json_t *call = make_subscribe(framework);
	int result = framework_link_open(&framework->link, framework->address, call, NULL, err);
	json_decref(call);
	return result;
}

/* Only what asking again would not change is an error. */
static int check_status(struct framework *framework, struct error *err)
{
	int status = framework->link.status;
	if (status < 400 || status >= 500)
		return 0;
	while (framework_link_read(&framework->link, LOOK_EVERY_MS) > 0)
		;
	return error_set(err, ERROR_REFUSED, "the master refuses the subscription (%d): %s", status,
			 buffer_text(&framework->link.in));
}

static int follow(struct framework *framework, struct error *err)
{
	int64_t heard_ms = clock_monotonic_ms();
	int got = 0;
	while (got >= 0 && !is_over(framework) && clock_monotonic_ms() - heard_ms < SILENCE_MS) {
		json_t *event;
		got = framework_link_read(&framework->link, LOOK_EVERY_MS);
		if (got > 0)
			heard_ms = clock_monotonic_ms();
		if (check_status(framework, err) < 0)
			return -1;
		while ((event = framework_link_event(&framework->link)) != NULL) {
			int result = framework_hear(framework, event, err);
			json_decref(event);
			if (result < 0)
				return -1;
		}
	}
	return 0;
}

static int run(struct framework *framework, struct error *err)
{
	int result = 0;
	while (result == 0 && !is_over(framework)) {
		struct error why = ERROR_INIT;
		if (open_subscription(framework, &why) == 0) {
			result = follow(framework, err);
			if (result == 0 && is_over(framework) && framework->tear_down && framework->id != NULL)
				framework_say(framework, "TEARDOWN", NULL, NULL);
			framework_link_close(&framework->link);
		} else {
			log_info("%s; trying again", why.text);
		}
		if (result == 0 && !is_over(framework))
			usleep(AGAIN_US);
	}
	return result;
}

/* ---- the command */

struct texts {
	const char *dir, *cpus, *failover, *span, *id;
};

static int read_texts(struct framework *framework, const struct texts *texts, struct error *err)
{
	char *end = NULL;
	int64_t span = 0;
	framework->cpus = strtod(texts->cpus, &end);
	if (end == texts->cpus || *end != '\0' || !(framework->cpus >= 0.001 && framework->cpus <= 1e6))
		return error_set(err, ERROR_USAGE, "--cpus takes a number from 0.001, not \"%s\"", texts->cpus);
	if (clock_parse_duration(texts->failover, &framework->failover_ms, err) < 0 ||
	    (texts->span != NULL && clock_parse_duration(texts->span, &span, err) < 0))
		return -1;
	framework->until_ms = texts->span != NULL ? clock_monotonic_ms() + span : 0;
	framework->id = texts->id != NULL ? xstrdup(texts->id) : NULL;
	framework->lab = lab_load(texts->dir, err);
	if (framework->lab != NULL && framework->lab->tls)
		return error_set(err, ERROR_USAGE,
				 "the masters of this lab speak HTTPS, which this scheduler does not; start the lab "
				 "without --tls");
	return framework->lab != NULL ? 0 : -1;
}

static void catch_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: poll is to return */
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int command_framework(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct lab_session *session = ctx;
	struct framework framework = {.name = "framework",
				      .role = "*",
				      .mem = 32,
				      .checkpoint = true,
				      .partition_aware = true,
				      .acknowledge = true,
				      .link = {.fd = -1}};
	struct texts texts = {.dir = "lab", .cpus = "0.1", .failover = FAILOVER_WISHED};
	const struct option options[] = {
		{"name", 0, OPTION_STRING, &framework.name, "NAME", "the framework's name (framework)", 0, 0},
		{"role", 0, OPTION_STRING, &framework.role, "ROLE", "its role (*)", 0, 0},
		{"tasks", 't', OPTION_INT, &framework.tasks, "N", "launch so many tasks (0)", 0, 100000},
		{"cpus", 0, OPTION_STRING, &texts.cpus, "X", "what each of them takes (0.1)", 0, 0},
		{"mem", 0, OPTION_INT, &framework.mem, "MB", "likewise (32)", 1, 1 << 30},
		{"observer", 0, OPTION_FLAG, &framework.observer, NULL,
		 "with the capability SLAVE_STATE_OBSERVER: it is told when an agent's state has changed", 0, 0},
		{"checkpoint", 0, OPTION_FLAG, &framework.checkpoint, NULL,
		 "its tasks outlive a restart of their agent (yes; --no-checkpoint)", 0, 0},
		{"partition-aware", 0, OPTION_FLAG, &framework.partition_aware, NULL,
		 "with the capability PARTITION_AWARE (yes; --no-partition-aware)", 0, 0},
		{"acknowledge", 0, OPTION_FLAG, &framework.acknowledge, NULL,
		 "acknowledge updates (yes; with --no-acknowledge they come again and again)", 0, 0},
		{"id", 0, OPTION_STRING, &texts.id, "ID", "take over the framework with this ID", 0, 0},
		{"failover-timeout", 0, OPTION_STRING, &texts.failover, "T",
		 "how long its tasks run on without it (" FAILOVER_WISHED ")", 0, 0},
		{"for", 0, OPTION_STRING, &texts.span, "T", "end by itself after this time", 0, 0},
		{"teardown", 0, OPTION_FLAG, &framework.tear_down, NULL, "end the framework and its tasks at the end",
		 0, 0},
		{"heartbeats", 0, OPTION_FLAG, &framework.heartbeats, NULL, "print heartbeats too", 0, 0},
		{"dir", 'd', OPTION_STRING, &texts.dir, "DIR", "the lab's folder (./lab)", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	struct arguments operands = {.items = NULL};
	int result = command_begin(self, argc, argv, options, &operands, &session->error);
	bool help = result > 0;
	random_id(framework.mark);
	if (result == 0)
		result = read_texts(&framework, &texts, &session->error);
	if (result == 0) {
		catch_signals();
		result = run(&framework, &session->error);
	}
	arguments_clear(&operands);
	lab_free(framework.lab);
	free(framework.id);
	return result < 0 && !help ? -1 : 0;
}
