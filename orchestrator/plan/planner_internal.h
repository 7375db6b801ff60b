/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLANNER_INTERNAL_H
#define ORCHESTRATOR_PLANNER_INTERNAL_H
/* What the planner's files share: planner.c (the fleet), planner_choose.c (who), planner_agent.c (one agent), planner_checks.c (why it
 * is refused), planner_fill.c (what the plan says of it), planner_order.c (when), planner_masters.c (what the masters say),
 * planner_forecast.c (how long), planner_domains.c (which zone is which), planner_risks.c (what it may cost). */
#include "inventory/survey.h"
#include "mesos/version.h"
#include "orchestrator/plan/planner.h"
#include "orchestrator/plan/planner_forecast.h"

/* One agent while its part of the plan is being made. */
struct planner_work {
	const struct planner_input *input;
	const struct planner_options *options;
	const struct planner_times *times;
	struct planner_refusals *risks; /* what is to be said of it though it is planned; NULL: nobody asks */
	const struct config *config;
	const struct agent_record *record;
	struct survey_record survey_row;
	struct survey survey;
	struct mesos_version version;
	struct config_edits edits;
	struct flags flags;       /* the effective ones after the edits */
	struct detected detected; /* its hostname is borrowed from the survey */
	Mesos__SlaveInfo *after;
	bool raised;          /* executor_reregistration_timeout was raised by us, not by the config */
	bool short_timeout;   /* it would have been, and was not to be */
	bool guessed_version; /* nobody has checked the rules of its own */
	unsigned edited;      /* parts of the SlaveInfo whose flag is edited */
	struct agent_tasks tasks;
};

enum planner_outcome { PLANNER_CHANGES, PLANNER_UNCHANGED, PLANNER_NOT_CONCERNED };

/* -1 with ERROR_REFUSED: this agent is refused, the others can go on. Any other error ends the planning. */
int planner_agent(struct planner_work *work, struct plan_agent *out, enum planner_outcome *outcome, struct error *err);
void planner_work_clear(struct planner_work *work);

/* Is the config about this agent at all? Where that cannot be known, it is. */
bool planner_is_concerned(struct planner_work *work);

void planner_refuse(struct planner_refusals *refusals, const struct planner_work *work, const char *reason);
/* It is planned, and this is what that may cost. Takes the text. */
void planner_warn(const struct planner_work *work, char *text);

/* What the options and the input say of the whole plan; the options that need its agents and stages to be known. */
void planner_fill_head(struct plan *plan, const struct planner_input *input, const struct planner_options *options);
void planner_fill_options(struct plan *plan, const struct planner_options *options, size_t cluster_agents);

/* Each: 0, or -1 with ERROR_REFUSED. In the order in which planner_agent calls them. */
int planner_check_survey(const struct planner_work *work, struct error *err);
int planner_check_host(const struct planner_work *work, struct error *err);
int planner_check_findings(const struct planner_work *work, unsigned differs, struct error *err);
int planner_check_flags(const struct planner_work *work, struct error *err);
int planner_check_drift(const struct planner_work *work, struct error *err);
int planner_check_difference(const struct planner_work *work, unsigned differs, struct error *err);
int planner_check_tasks(const struct planner_work *work, unsigned differs, struct error *err);

/* May its executors end with its process, whatever their frameworks do? */
bool planner_executors_end(const struct planner_work *work);

/* Fills the plan's part; differs and the stock verdict are there already. */
int planner_fill(const struct planner_work *work, struct plan_agent *out, struct error *err);

/* Reads the last survey, if there is one. */
int planner_read_survey(struct planner_work *work, struct error *err);

/* Can the agent do it by itself? It must know the flag, the difference must be one the flag is about, and we must be able to put the
 * flag into its store and take it out again. */
bool planner_can_native(const struct planner_work *work, unsigned differs, const char *flag);

/* Are the agent's tasks ended? */
bool planner_discards(const struct planner_work *work, unsigned differs);

/* "attributes and resources" */
void planner_name_parts(unsigned parts, struct buffer *out);

#endif
