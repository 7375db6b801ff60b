/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_DRIFT_H
#define INVENTORY_DRIFT_H
/*
 * What is known of one agent in five places, and which two of them disagree: the config it was last rolled out with, the
 * flag store on its host, the flags its process runs with, its checkpoint, and the master's record. Pure: everything
 * comes from the database's last sync and survey.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "inventory/agents.h"
#include "inventory/config.h"
#include "inventory/survey.h"

struct drift_finding {
	const char *kind; /* "config-running", "store-running", "would-refuse", "not-written-back", "checkpoint-master",
			   * "other-agent", "open-operation",
			   * or a fact about the agent as such: "duplicate-attribute", "shared-host", "no-checkpoint",
			   * "unlisted", "not-surveyed" (or not since it registered last), "ignored" */
	bool drift;       /* two places disagree; false: a fact to know that is no disagreement */
	const char *places[2]; /* "config", "store", "running", "checkpoint", "master"; NULL for a fact */
	char *what;            /* "attributes.rack", a flag's name; for a fact: the sentence that says it */
	char *values[2];       /* in the two places; NULL: it is not there */
	char *fix;             /* what would settle it; NULL: nothing has to be done */
};
struct drift_findings {
	struct drift_finding *items;
	size_t count;
};
void drift_findings_clear(struct drift_findings *findings);
bool drift_findings_has_drift(const struct drift_findings *findings);

/* Borrowed for the call. */
struct drift_input {
	const struct agent_record *agent;
	const struct survey_record *row; /* NULL: its host was never asked */
	const struct survey *survey;     /* NULL: it never answered */
	size_t neighbours;               /* other agents the master lists on the same host */
	const char *ignored;             /* why plans leave it out; NULL: they do not */
	const char *database;            /* the name of this database */
	/* Was an operation of this database asked for as far as it goes back? NULL: every one was. */
	bool (*knows_operation)(void *ctx, const char *operation);
	void *ctx;
};
/* Has the agent registered since its host was asked? Then what was found there is about a process that is gone. */
bool drift_survey_is_outdated(const struct drift_input *input);
/* Is nothing known of its host as it is now? Then no finding does not mean that all agree. */
bool drift_is_blind(const struct drift_input *input);
/* Everything but configs. */
void drift_find(const struct drift_input *input, struct drift_findings *out);
/* What the config ("web-tier@3") still asks of the running flags. */
void drift_find_config(const char *config, const struct config_edits *edits, struct drift_findings *out);

/* What it asks of this agent cannot be said: the agent lacks what a value of it needs, for instance. */
void drift_find_config_failure(const char *config, const char *why, struct drift_findings *out);

/* How many other agents the master lists on the host of this one. */
int drift_neighbours(struct store *store, int64_t agent_row, size_t *count, struct error *err);

/* The config versions that were rolled out to an agent last and not taken back, newest run of each config: "web-tier@3". */
struct drift_configs {
	char **items;
	size_t count;
};
void drift_configs_clear(struct drift_configs *configs);
int drift_configs_load(struct store *store, const char *agent_id, struct drift_configs *out, struct error *err);

#endif
