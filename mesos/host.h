/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_HOST_H
#define MESOS_HOST_H
/*
 * How an agent is run on its host: where its files are, where its flags are kept, how it is started and stopped. The
 * operator writes it in the cluster file, rollcall sends it with every request, agentctl acts on it. The JSON shape is
 * the same everywhere:
 *
 *   {"root": "/", "work_dir": "/var/lib/mesos", "state_dir": "/var/lib/rollcall",
 *    "flag_store": {"kind": "envfile", "path": "/etc/default/mesos-agent"},
 *    "control": {"kind": "systemd", "unit": "mesos-agent.service"}}
 *   "flag_store": {"kind": "directory", "path": "/etc/mesos-agent"}
 *   "flag_store": {"kind": "defaults", "paths": ["/etc/default/mesos", "/etc/default/mesos-slave"]}
 *   "flag_store": {"kind": "external"}, or with the path where somebody else writes the flags
 *   "control": {"kind": "commands", "start": ["…"], "stop": ["…"], "status": ["…"], "start_hook": "/path"}
 *
 * Every key may be missing; host_settings_from_json then leaves what was there (defaults first, overrides after).
 */
#include <jansson.h>

#include "base/error.h"
#include "base/json.h"

enum flag_store_kind {
	FLAG_STORE_UNKNOWN,   /* to be found out on the host */
	FLAG_STORE_ENVFILE,   /* MESOS_NAME=value lines, systemd EnvironmentFile quoting */
	FLAG_STORE_DIRECTORY, /* one file per flag */
	FLAG_STORE_DEFAULTS,  /* assignments that a shell reads, as in /etc/default/mesos-slave */
	FLAG_STORE_EXTERNAL,  /* configuration management writes the flags; they are read, where it is known where, and
			       * never written */
};
/* "envfile", "directory", "defaults", "external"; NULL for FLAG_STORE_UNKNOWN. */
const char *flag_store_kind_name(enum flag_store_kind kind);
/* false: there is no such kind. */
bool flag_store_kind_parse(const char *name, enum flag_store_kind *out);
bool flag_store_kind_has_many(enum flag_store_kind kind); /* may it have several files? */

enum control_kind {
	CONTROL_UNKNOWN,
	CONTROL_SYSTEMD,  /* systemctl and a unit; the guard is a drop-in with ExecStartPre */
	CONTROL_COMMANDS, /* argument lists; the guard is the start hook: a file whose lines are an argument list that
			   * whoever starts the agent runs first, and does not start it when that fails */
};

struct host_settings {
	char *root;      /* prefix of every path below; "/" on a real host */
	char *work_dir;  /* NULL: the running agent's */
	char *state_dir; /* agentctl's own: journals, epoch, lock; default /var/lib/rollcall */
	enum flag_store_kind store_kind;
	char *store_path;   /* the first, when there are several */
	char **store_later; /* further files, NULL-terminated: what is set in a later one counts; NULL: there are none */
	enum control_kind control;
	char *unit;
	char **start, **stop, **status; /* NULL-terminated; NULL: not given. status exits 0 while the agent runs */
	char *start_hook;
};

#define HOST_STATE_DIR "/var/lib/rollcall"
/* Defaults: root "/", state_dir HOST_STATE_DIR, everything else unknown. */
void host_settings_init(struct host_settings *host);
void host_settings_clear(struct host_settings *host);
void host_settings_copy(struct host_settings *to, const struct host_settings *from); /* to must be cleared */
/* Overrides what object names. Unknown keys, relative paths, ".." and control characters are ERROR_USAGE. */
int host_settings_from_json(const json_t *object, const struct json_place *place, struct host_settings *host,
			    struct error *err);
json_t *host_settings_to_json(const struct host_settings *host);

#endif
