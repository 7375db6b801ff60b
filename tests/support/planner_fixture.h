/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_PLANNER_FIXTURE_H
#define TESTS_SUPPORT_PLANNER_FIXTURE_H
/* A planner over one agent, S0 on node1, in a database of its own; tests change what its survey says before it is kept. */
#include <jansson.h>

#include "orchestrator/plan/planner.h"
#include "tests/support/fleet.h"

#define SURVEYED_MS 1700000002000

extern const char fixture_attributes[];
extern const char fixture_resources[];

/* One agent, S0, in a database with a cluster file; tests change what the survey says before it is kept. */
struct planner_fixture {
	char *folder;
	struct store *store;
	struct cluster_file *file;
	int64_t cluster_id;
	json_t *survey;
	struct fleet_agent agent;
	struct task_view task;
	struct framework_view framework;
	struct master_facts facts;
	struct planner_options options;
	const struct planner_master *masters; /* none: only facts, as offline */
	size_t master_count;
	int64_t listed_agents, listed_tasks;

	struct plan plan;
	struct planner_refusals refusals;
};

/* A config that changes attributes and resources. */
extern const char fixture_change[];

json_t *fixture_survey_of(const char *attributes, const char *resources);
json_t *fixture_survey_for(const char *id, const char *hostname, const char *attributes, const char *resources);
/* What its host would say; hostname, attributes and resources are required. */
json_t *fixture_survey_agent(const struct fleet_agent *agent);
int fixture_set_up(void **state);
int fixture_tear_down(void **state);
void fixture_sync(struct planner_fixture *fixture);
void fixture_keep_survey(struct planner_fixture *fixture, int64_t time_ms);
int fixture_make(struct planner_fixture *fixture, const char *config, struct error *err);
const struct plan_agent *fixture_planned(struct planner_fixture *fixture, const char *config);
void fixture_assert_refused(struct planner_fixture *fixture, const char *config, const char *words);
void fixture_refused(struct planner_fixture *fixture, const char *config, const char *words);
json_t *fixture_part(struct planner_fixture *fixture, const char *name);
void fixture_set_running_flag(struct planner_fixture *fixture, const char *flag, const char *value);
void fixture_set_both_flags(struct planner_fixture *fixture, const char *flag, const char *value);
void fixture_add_task(struct planner_fixture *fixture, bool checkpoint);
void fixture_add_finding(struct planner_fixture *fixture, const char *code, const char *severity);

/* In place of S0: S0, S1, … on node0000, node0001, …, surveyed, in zones a to d and racks r0 to r2 by turns; every second one has the
 * attribute odd. */
void fixture_set_fleet(struct planner_fixture *fixture, size_t count);

/* In place of S0: these, surveyed; as for fixture_survey_agent. */
void fixture_set_agents(struct planner_fixture *fixture, const struct fleet_agent *agents, size_t count);

#endif
