/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SURVEY_H
#define INVENTORY_SURVEY_H
/*
 * Surveys: what agentctl's inspect reported of an agent's host, kept as it came, and the reason when it could not be
 * asked. A failure is a fact about the host and leaves its last good document.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "inventory/store.h"
#include "mesos/flags.h"
#include "mesos/host.h"
#include "mesos/resources.h"
#include "mesos/slaveinfo.h"

struct survey_task {
	char *framework, *executor, *container, *task;
	int64_t executor_pid;
	bool alive;
	bool checkpoint;
	bool docker; /* its executor is in a Docker container */
};

struct survey_finding {
	char *code; /* agentctl's name for it: "tasks-in-unit" */
	char *text;
	bool refuses;
};

struct survey_operation {
	char *operation, *state, *run, *database;
	char *chain_head; /* the last event's hash in that database when it was asked for */
	int64_t epoch;
};

/* An inspect document, read. Strings are NULL where agentctl did not know. */
struct survey {
	char *agentctl; /* SHA-256 of the program that answered */
	char *node;
	char *boot_id;
	int64_t time_ms; /* by the host's clock */
	char *work_dir;

	char *agent_id;
	bool running;
	int64_t pid;
	int64_t start_ticks;
	char *version;
	char *executable;
	struct flags flags; /* effective; secrets redacted by agentctl */
	bool flags_from_store;

	char *checkpoint_error; /* NULL: it was read */
	char *checkpoint_path;
	char *checkpoint_sha256; /* of slave.info's bytes */
	char *checkpoint_boot_id;
	Mesos__SlaveInfo *info; /* the checkpoint; NULL: none */

	char *store_error; /* NULL: it was read */
	enum flag_store_kind store_kind;
	char *store_path;
	char *store_sha256;
	struct flags store_flags;

	enum control_kind control;
	char *unit;
	bool unit_active;
	char *kill_mode;

	char *detected_hostname;
	struct detected detected; /* its hostname is detected_hostname */
	struct resources reserved;

	bool has_verdict;
	bool verdict_accepted;
	unsigned verdict_differs; /* enum slaveinfo_part bits */
	char *verdict_message;

	char *driver_database; /* UUID of the database that drives the host; NULL: none has yet */

	struct survey_task *tasks;
	size_t task_count;
	struct survey_operation *operations;
	size_t operation_count;
	struct survey_finding *findings; /* what stands in the way of a restart */
	size_t finding_count;
	char **known_flags; /* what the agent's --help lists; none: not known */
	size_t known_flag_count;
};
void survey_clear(struct survey *survey);

/* ERROR_CORRUPT names the member that is wrong. Unknown members are fine: agentctl may know more than we do. */
int survey_parse(const char *source, const void *bytes, size_t len, struct survey *out, struct error *err);

/* Keeps a document, after it was parsed successfully. */
int survey_store(struct store *store, int64_t agent_row, const void *bytes, size_t len, const char *host_key,
		 int64_t time_ms, struct error *err);
/* Keeps why a host could not be asked. */
int survey_store_failure(struct store *store, int64_t agent_row, const struct error *failure, int64_t time_ms,
			 struct error *err);

/* What the database has of a host. */
struct survey_record {
	int64_t time_ms; /* 0: never surveyed successfully */
	char *document;
	size_t document_len;
	char *host_key;
	int64_t failed_ms;  /* 0: the last attempt succeeded */
	char *failure_kind; /* "unreachable", "refused", "conflict", "corrupt", "system", "usage", "bug" */
	char *failure;
};
void survey_record_clear(struct survey_record *record);
/* 1: there is one; 0: never asked; -1: failed. survey_load_state leaves the document out. */
int survey_load_state(struct store *store, int64_t agent_row, struct survey_record *out, struct error *err);
int survey_load(struct store *store, int64_t agent_row, struct survey_record *out, struct error *err);

/* "unreachable" for ERROR_UNREACHABLE and so on. */
const char *survey_failure_kind(enum error_kind kind);

#endif
