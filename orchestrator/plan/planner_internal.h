/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_PLANNER_INTERNAL_H
#define ORCHESTRATOR_PLANNER_INTERNAL_H
/* What the planner's files share: planner.c (the fleet), planner_agent.c (one agent), planner_checks.c
 * (why it is refused), planner_fill.c (what the plan says of it). */
#include "inventory/survey.h"
#include "mesos/version.h"
#include "orchestrator/plan/planner.h"

/* One agent while its part of the plan is being made. */
struct planner_work {
	const struct planner_input *input;
	const struct planner_options *options;
	const struct config *config;
	const struct agent_record *record;
	struct survey_record survey_row;
	struct survey survey;
	struct mesos_version version;
	struct config_edits edits;
	struct flags flags;       /* the effective ones after the edits */
	struct detected detected; /* its hostname is borrowed from the survey */
	Mesos__SlaveInfo *after;
	bool raised;     /* executor_reregistration_timeout was raised by us, not by the config */
	unsigned edited; /* parts of the SlaveInfo whose flag is edited */
	struct agent_tasks tasks;
};

enum planner_outcome { PLANNER_CHANGES, PLANNER_UNCHANGED, PLANNER_NOT_CONCERNED };

/* -1 with ERROR_REFUSED: this agent is refused, the others can go on. Any other error ends the planning. */
int planner_agent(struct planner_work *work, struct plan_agent *out, enum planner_outcome *outcome, struct error *err);
void planner_work_clear(struct planner_work *work);

/* Each: 0, or -1 with ERROR_REFUSED. In the order in which planner_agent calls them. */
int planner_check_survey(const struct planner_work *work, struct error *err);
int planner_check_host(const struct planner_work *work, struct error *err);
int planner_check_findings(const struct planner_work *work, unsigned differs, struct error *err);
int planner_check_flags(const struct planner_work *work, struct error *err);
int planner_check_drift(const struct planner_work *work, struct error *err);
int planner_check_difference(const struct planner_work *work, unsigned differs, struct error *err);
int planner_check_tasks(const struct planner_work *work, unsigned differs, struct error *err);

/* Do all its executors end with its process, whatever their frameworks do? */
bool planner_executors_end(const struct planner_work *work);

/* Fills the plan's part; differs and the stock verdict are there already. */
int planner_fill(const struct planner_work *work, struct plan_agent *out, struct error *err);

/* Are the agent's tasks ended? */
bool planner_discards(const struct planner_work *work, unsigned differs);

/* "attributes and resources" */
void planner_name_parts(unsigned parts, struct buffer *out);

#endif
