/* SPDX-License-Identifier: Apache-2.0 */
/* agentctl rescue: starts an agent that refuses its checkpoint, with its ID and its tasks. */
#include <string.h>
#include <unistd.h>

#include "agentctl/agentctl.h"
#include "agentctl/apply.h"
#include "agentctl/by_hand.h"
#include "agentctl/life.h"
#include "agentctl/rescue.h"
#include "agentctl/settings.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"

/* A supervisor starts an agent that refuses again and again; a try of a real one lives for a second or two. */
#define QUIET_WITHIN_MS 10000
#define LOOK_EVERY_MS   50
#define SETTINGS_MAX    (1u << 20)

struct rescue_options {
	struct settings_options host;
	const char *settings; /* a file with the host's settings, as in a cluster file */
	const char *watch;
	bool by_flags;
	bool show;
	bool requested;
};

static int read_settings(const struct rescue_options *given, struct host_settings *out, struct error *err)
{
	struct json_place place = {.source = given->settings};
	json_t *object;
	int result;

	if (settings_from_options(&given->host, out, err) != 0)
		return -1;
	if (given->settings == NULL)
		return 0;
	object = json_read_file(given->settings, SETTINGS_MAX, err);
	result = object == NULL ? -1 : host_settings_from_json(object, &place, out, err);
	json_decref(object);
	if (result != 0)
		host_settings_clear(out);
	return result;
}

/* An agent that stays is none to rescue; one that comes and goes is waited for until it is gone. */
static int wait_until_quiet(const struct host_settings *settings, struct error *err)
{
	int64_t deadline = clock_monotonic_ms() + QUIET_WITHIN_MS;

	for (;;) {
		struct agent_process agent = {.executable = NULL};
		bool found = false;
		long long pid;

		if (agent_find(settings, &agent, &found, err) != 0)
			return -1;
		pid = agent.process.pid;
		agent_process_clear(&agent);
		if (!found)
			return 0;
		if (clock_monotonic_ms() >= deadline)
			return error_set(err, ERROR_CONFLICT,
					 "an agent runs on this host (process %lld): there is nothing to rescue", pid);
		usleep(LOOK_EVERY_MS * 1000);
	}
}

int rescue_for_request(const struct request *request, struct change *out, struct error *err)
{
	unsigned differs = 0;
	struct facts facts;
	int result = wait_until_quiet(&request->host, err);

	memset(&facts, 0, sizeof facts);
	if (result == 0)
		result = facts_gather(&request->host, &facts, err);
	if (result == 0)
		result = change_check_expectation(&facts, &request->expect, err);
	if (result == 0)
		result = rescue_build(&facts, request->by_flags, out, &differs, err);
	facts_clear(&facts);
	return result;
}

static void show_plan(const struct facts *facts, bool by_flags, unsigned differs)
{
	struct buffer text = BUFFER_INIT(65536);
	json_t *names = slaveinfo_parts_to_json(differs);
	const json_t *name;
	struct life life;
	bool *alive;
	size_t i;

	buffer_printf(&text, "agent: %s, which refuses to start: its checkpoint and its flags differ in ",
		      facts->checkpoint.agent_id);
	json_array_foreach(names, i, name) buffer_printf(&text, "%s%s", i == 0 ? "" : ", ", json_string_value(name));
	buffer_printf(&text, "\nrescue: %s\n",
		      by_flags ? "the flags are made to fit the checkpoint"
			       : "the checkpoint is made to fit the flags");
	if (facts->checkpoint.boot_id != NULL && strcmp(facts->checkpoint.boot_id, facts->boot_id) != 0)
		buffer_puts(&text,
			    "reboot: the host was rebooted since the agent last ran; its tasks are gone, and a start "
			    "without a rescue would cost it its ID\n");
	alive = life_find_alive(&facts->checkpoint);
	life_read(facts, alive, &life);
	free(alive);
	life_print(&life, &text);
	fputs(buffer_text(&text), stderr);
	json_decref(names);
	buffer_clear(&text);
}

static json_t *note(bool by_flags)
{
	return json_pack("{s:s, s:s}", "kind", "rescue", "gives_way", by_flags ? "flags" : "checkpoint");
}

static int rescue_locked(struct by_hand *by_hand, const struct rescue_options *given,
			 const struct host_settings *settings)
{
	struct operation_terms terms = {.rescue = true};
	struct error err = ERROR_INIT;
	struct facts facts;
	struct change change;
	unsigned differs = 0;
	int exit_code = 0;
	int result = by_hand_terms(given->watch, &terms, &err);

	memset(&facts, 0, sizeof facts);
	memset(&change, 0, sizeof change);
	if (result == 0)
		result = wait_until_quiet(settings, &err);
	if (result == 0)
		result = facts_gather(settings, &facts, &err);
	if (result == 0)
		result = rescue_build(&facts, given->by_flags, &change, &differs, &err);
	if (result != 0) {
		exit_code = talk_refuse(&by_hand->talk, &err);
	} else {
		show_plan(&facts, given->by_flags, differs);
		if (!given->show) {
			json_t *asked = note(given->by_flags);

			exit_code = by_hand_run(by_hand, &change, asked, &terms);
			json_decref(asked);
		}
	}
	change_clear(&change);
	facts_clear(&facts);
	return exit_code;
}

static int run(const struct rescue_options *given)
{
	struct error err = ERROR_INIT;
	struct host_settings settings;
	struct by_hand by_hand;
	int exit_code;

	if (read_settings(given, &settings, &err) != 0)
		return command_fail(&err);
	if (by_hand_open(&by_hand, &settings, true, &err) == 0)
		exit_code = rescue_locked(&by_hand, given, &settings);
	else
		exit_code = talk_refuse(&by_hand.talk, &err);
	by_hand_clear(&by_hand);
	host_settings_clear(&settings);
	return exit_code;
}

int command_rescue(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct rescue_options given = {.settings = NULL};
	const struct option options[] = {
		{"flags", 0, OPTION_FLAG, &given.by_flags, NULL,
		 "make the flags fit the checkpoint, instead of the checkpoint the flags", 0, 0},
		{"show", 0, OPTION_FLAG, &given.show, NULL, "only say what would be done, and how much time is left", 0,
		 0},
		{"watch", 0, OPTION_STRING, &given.watch, "DURATION", BY_HAND_WATCH_HELP, 0, 0},
		{"settings", 0, OPTION_STRING, &given.settings, "FILE",
		 "a JSON object with the host's settings, as in a cluster file", 0, 0},
		{"root", 0, OPTION_STRING, &given.host.root, "DIR", ROOT_HELP, 0, 0},
		{"work-dir", 0, OPTION_STRING, &given.host.work_dir, "DIR", "the agent's work_dir", 0, 0},
		{"state-dir", 0, OPTION_STRING, &given.host.state_dir, "DIR", STATE_DIR_HELP, 0, 0},
		{"store", 0, OPTION_STRING, &given.host.store, "KIND:PATH", STORE_HELP, 0, 0},
		{"request", 0, OPTION_FLAG, &given.requested, NULL, "read a framed request on standard input", 0, 0},
		{"unit", 0, OPTION_STRING, &given.host.unit, "NAME", "the agent's systemd unit", 0, 0},
		{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
	};
	int exit_code = 0;

	(void)ctx;
	if (!command_open(argc, argv, self, options, &exit_code))
		return exit_code;
	return given.requested ? apply_requested(REQUEST_RESCUE) : run(&given);
}
