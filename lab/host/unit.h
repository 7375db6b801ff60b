/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_HOST_UNIT_H
#define LAB_HOST_UNIT_H
/*
 * The part of systemd's unit files that running an agent takes: [Service] with ExecStart, ExecStartPre, Environment,
 * EnvironmentFile, Restart, RestartSec, KillMode, TimeoutStopSec, and [Unit] with StartLimitBurst and
 * StartLimitIntervalSec; drop-ins; quoting. What is not read is ignored, as systemd ignores what it does not know.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct strings {
	char **items; /* NULL-terminated */
	size_t count;
};
void strings_clear(struct strings *strings);
void strings_add(struct strings *strings, const char *text);
/* NAME=value: replaces an entry of the same name. */
void strings_set_env(struct strings *env, const char *assignment);

enum unit_restart { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS };
enum unit_kill { KILL_CONTROL_GROUP, KILL_PROCESS };

struct unit_command {
	struct strings argv;
	bool ignore_failure; /* "-" before the path */
};

struct unit {
	char *path;              /* the fragment, as the host names it */
	struct strings drop_ins; /* as the host names them */
	struct unit_command *start_pre;
	size_t start_pre_count;
	struct strings start;
	struct strings environment;
	struct strings environment_files; /* a leading "-" is kept */
	enum unit_restart restart;
	enum unit_kill kill;
	int64_t restart_ms;
	int64_t stop_timeout_ms;
	int64_t limit_interval_ms;
	int64_t limit_burst;
};
void unit_clear(struct unit *unit);

/* Reads NAME and its drop-ins (etc, run, usr/lib below root; a drop-in in /etc hides one of the same name elsewhere).
 * ERROR_UNREACHABLE when there is none, ERROR_USAGE when it cannot be run. */
int unit_load(const char *root, const char *name, struct unit *out, struct error *err);

/* A time span of systemd ("5", "100ms", "1min 30s", "infinity") in ms; -1 when malformed. */
int64_t unit_parse_span(const char *text);

/* Words with systemd's quoting ("…", '…', backslashes). False when a quote is not closed. */
bool unit_split_words(const char *text, struct strings *out);

/* An EnvironmentFile's text: NAME=value lines, comments, quotes, continued lines; what is no assignment is skipped. */
void environment_file_parse(const char *text, struct strings *env);

#endif
