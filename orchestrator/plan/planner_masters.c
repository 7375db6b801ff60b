/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/plan/planner_masters.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "orchestrator/plan/planner_acl.h"

#define PARTS_OF_DOMAIN(info) ((info)->domain && (info)->domain->fault_domain)

static const char *region_of(const Mesos__SlaveInfo *info)
{
	return PARTS_OF_DOMAIN(info) ? info->domain->fault_domain->region->name : NULL;
}

/* Takes a finding's text, which was made for it. */
static void add(struct plan *plan, bool risk, const char *about, char *text, const char *remedy)
{
	plan_add_finding(plan, risk, about, text, remedy);
	free(text);
}

/* ---- one agent, one master */

struct role_check {
	const char *acls;
	char *refused; /* NULL: none */
};

static void check_role(void *ctx, const char *role)
{
	struct role_check *check = ctx;

	if (!check->refused && planner_acl_reserve(check->acls, role) == ACL_REFUSES)
		check->refused = xstrdup(role);
}

static int check_acl(const struct master_facts *facts, const struct plan_agent *agent, struct error *err)
{
	struct role_check check = {.acls = facts->acls};

	planner_new_static_roles(agent->before, agent->after, check_role, &check);
	if (!check.refused)
		return 0;
	error_set(err, ERROR_REFUSED,
		  "it would reserve resources for the role %s, which the master's --acls (reserve_resources) let no "
		  "agent do: it would come back and never be active; allow that role there first",
		  check.refused);
	free(check.refused);
	return -1;
}

/* What was so before is no reason to refuse a change of something else; planner_masters warns of it. */
static bool was_so(const struct plan_agent *agent)
{
	return !PARTS_OF_DOMAIN(agent->before) == !PARTS_OF_DOMAIN(agent->after);
}

static int check_one(const struct planner_options *options, const struct master_facts *facts, bool leads,
		     const struct plan_agent *agent, struct error *err)
{
	struct master_facts lenient = *facts;

	lenient.agent_update = facts->agent_update || options->accept_stale_master;
	if (!leads && was_so(agent)) {
		lenient.has_domain = true;
		lenient.require_agent_domain = false;
	}
	if (planner_check_master(&lenient, agent->differs, agent->after, err) < 0)
		return -1;
	return check_acl(facts, agent, err);
}

int planner_check_masters(const struct planner_input *input, const struct planner_options *options,
			  const struct plan_agent *agent, struct error *err)
{
	if (input->master_count == 0 && input->facts)
		return check_one(options, input->facts, true, agent, err);
	for (size_t i = 0; i < input->master_count; i++) {
		const struct planner_master *master = &input->masters[i];

		if (master->facts && check_one(options, master->facts, master->leads, agent, err) < 0)
			return error_prefix(err, "%s, which %s", master->url,
					    master->leads ? "leads" : "may lead next");
	}
	return 0;
}

bool planner_record_is_void(const struct planner_input *input, bool accept_stale_master)
{
	return accept_stale_master && input->facts && !input->facts->agent_update;
}

/* ---- one line for each master */

static void describe(const struct planner_master *master, struct plan *plan)
{
	const struct master_facts *facts = master->facts;
	struct buffer text = BUFFER_INIT(4096);
	char silent[CLOCK_TEXT_MAX], away[CLOCK_TEXT_MAX];

	buffer_printf(&text, "%s; Mesos %s; %s", master->leads ? "leads" : "stands by",
		      facts->version ? facts->version : "of unknown version",
		      facts->agent_update ? "stores changed agents (AGENT_UPDATE)"
					  : "does NOT store changed agents (no AGENT_UPDATE)");
	if (facts->has_domain && facts->region && facts->zone)
		buffer_printf(&text, "; domain %s/%s", facts->region, facts->zone);
	else
		buffer_puts(&text, facts->has_domain ? "; has a domain" : "; no domain");
	if (facts->require_agent_domain)
		buffer_puts(&text, ", requires one of agents");
	if (facts->agent_ping_timeout_ms > 0)
		buffer_printf(&text, "; unreachable after %s of silence",
			      clock_format_span(facts->agent_ping_timeout_ms * facts->max_agent_ping_timeouts, silent));
	if (facts->agent_reregister_timeout_ms > 0)
		buffer_printf(&text, " or %s away", clock_format_span(facts->agent_reregister_timeout_ms, away));
	if (facts->agent_removal_rate_limit)
		buffer_printf(&text, ", at most %s", facts->agent_removal_rate_limit);
	plan_add_finding(plan, false, master->url, buffer_text(&text), NULL);
	buffer_clear(&text);
}

static void warn_unanswered(const struct planner_master *master, struct plan *plan)
{
	add(plan, true, master->url,
	    xasprintf("could not be asked (%s): whether it would take these agents if it led is not known",
		      master->unanswered ? master->unanswered : "it gave no answer"),
	    "bring it up, or take it out of the cluster file; then plan again");
}

/* One that stands by does harm only while it leads: the one that takes the lead afterwards stores what agents say. */
static void warn_stale(const struct planner_master *master, struct plan *plan)
{
	const char *version = master->facts->version ? master->facts->version : "of unknown version";

	if (master->leads)
		add(plan, true, master->url,
		    xasprintf(
			    "Mesos %s does not store changed agents: until its next failover it keeps the old SlaveInfo "
			    "of all %zu, offers by it, and the proof cannot rest on its answer (--accept-stale-master)",
			    version, plan->agent_count),
		    "when the run is done, restart the leading master: the one that takes over stores the agents as "
		    "they reregister; then `rollcall inventory sync` and `rollcall inventory list` show them as planned");
	else
		add(plan, true, master->url,
		    xasprintf(
			    "Mesos %s does not store changed agents: of those that change while it leads it keeps the "
			    "old SlaveInfo, and the proof cannot rest on its answer (--accept-stale-master)",
			    version),
		    "it stands by; should it lead when the run is done, restart it: the one that takes over stores the "
		    "agents as they reregister");
}

static size_t count_domains(const struct plan *plan, bool with)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->agent_count; i++)
		count += (PARTS_OF_DOMAIN(plan->agents[i].after) != 0) == with;
	return count;
}

static void warn_domains(const struct planner_master *master, struct plan *plan)
{
	size_t with = count_domains(plan, true), without = plan->agent_count - with;

	if (!master->facts->has_domain && with > 0)
		add(plan, true, master->url,
		    xasprintf("has no domain, and %zu of these agents do: if it led it would ignore them, and never "
			      "say so",
			      with),
		    "give it a --domain, as the leading master has one");
	if (master->facts->require_agent_domain && without > 0)
		add(plan, true, master->url,
		    xasprintf("requires a domain of agents (--require_agent_domain), and %zu of these have none: if it "
			      "led it would refuse them",
			      without),
		    "start it without that flag, or give every agent a domain first");
}

static bool changes_any(const struct plan *plan)
{
	for (size_t i = 0; i < plan->agent_count; i++)
		if (plan->agents[i].differs)
			return true;
	return false;
}

static void describe_all(const struct planner_input *input, struct plan *plan)
{
	for (size_t i = 0; i < input->master_count; i++) {
		const struct planner_master *master = &input->masters[i];

		if (!master->facts) {
			warn_unanswered(master, plan);
			continue;
		}
		describe(master, plan);
		if (!master->facts->agent_update && changes_any(plan))
			warn_stale(master, plan);
		if (!master->leads)
			warn_domains(master, plan);
	}
}

/* ---- the cluster */

static void warn_versions(const struct planner_input *input, struct plan *plan)
{
	const char *first = NULL;

	for (size_t i = 0; i < input->master_count; i++) {
		const char *version = input->masters[i].facts ? input->masters[i].facts->version : NULL;

		if (first && version && strcmp(first, version) != 0) {
			add(plan, true, "cluster",
			    xasprintf("its masters run different versions (%s, %s): what holds for one may not hold "
				      "after a failover",
				      first, version),
			    "finish the upgrade of the masters first");
			return;
		}
		first = first ? first : version;
	}
}

static void warn_hidden(const struct planner_input *input, struct plan *plan)
{
	const struct master_facts *facts = NULL;

	for (size_t i = 0; i < input->master_count; i++)
		if (input->masters[i].leads)
			facts = input->masters[i].facts;
	if (!facts)
		return;
	if (input->listed_agents > 0 && facts->agent_count > input->listed_agents)
		add(plan, true, "cluster",
		    xasprintf("the leading master counts %" PRId64 " agents and shows us %" PRId64
			      ": what our principal may not view is missing from this plan",
			      facts->agent_count, input->listed_agents),
		    "let it view everything (ACL view_role, get_agents), then plan again");
	if (input->listed_agents > 0 && facts->task_count > input->listed_tasks)
		add(plan, true, "cluster",
		    xasprintf("the leading master counts %" PRId64 " tasks and shows us %" PRId64
			      ": tasks that our principal may not view may be on these agents, and nobody would miss "
			      "them",
			      facts->task_count, input->listed_tasks),
		    "let it view all tasks and frameworks (ACL view_task, view_framework), then plan again; a "
		    "difference of a few may be tasks that started meanwhile");
}

static void warn_regions(const struct planner_input *input, struct plan *plan)
{
	const char *home = input->facts ? input->facts->region : NULL;
	size_t moved = 0;
	const char *example = NULL;

	for (size_t i = 0; home && i < plan->agent_count; i++) {
		const char *before = region_of(plan->agents[i].before), *after = region_of(plan->agents[i].after);
		bool was_away = before && strcmp(before, home) != 0;

		if (!after || strcmp(after, home) == 0 || was_away)
			continue;
		moved++;
		example = after;
	}
	if (moved > 0)
		add(plan, true, "cluster",
		    xasprintf("%zu of these agents will be in another region (%s) than the masters (%s): frameworks "
			      "without the capability REGION_AWARE get no offers of them any more",
			      moved, example, home),
		    "leave them in the masters' region unless that is meant");
}

struct roles {
	const struct planner_input *input;
	struct plan *plan;
	struct buffer told; /* "web\n", one line for each role */
};

static bool is_told(struct roles *roles, const char *role)
{
	char *line = xasprintf("\n%s\n", role);
	bool told = strstr(buffer_text(&roles->told), line) != NULL;

	if (!told)
		buffer_puts(&roles->told, line);
	free(line);
	return told;
}

static void warn_role(void *ctx, const char *role)
{
	struct roles *roles = ctx;
	const struct planner_input *input = roles->input;

	for (size_t i = 0; i < input->master_count; i++) {
		const struct planner_master *master = &input->masters[i];
		enum planner_acl answer = master->facts ? planner_acl_reserve(master->facts->acls, role) : ACL_ALLOWS;

		if ((answer != ACL_DEPENDS && answer != ACL_UNKNOWN) || is_told(roles, role))
			continue;
		add(roles->plan, true, master->url,
		    xasprintf("whether agents may reserve resources for the role %s %s: one that may not comes back "
			      "and is never active",
			      role,
			      answer == ACL_DEPENDS ? "depends on their principal (--acls, reserve_resources)"
						    : "is in a file of its --acls that cannot be read from here"),
		    "make sure that the agents' principal may reserve that role, and begin with a canary");
	}
}

static void warn_roles(const struct planner_input *input, struct plan *plan)
{
	struct roles roles = {.input = input, .plan = plan, .told = BUFFER_INIT(65536)};

	for (size_t i = 0; i < plan->agent_count; i++)
		planner_new_static_roles(plan->agents[i].before, plan->agents[i].after, warn_role, &roles);
	buffer_clear(&roles.told);
}

void planner_masters(const struct planner_input *input, struct plan *plan)
{
	if (input->facts)
		plan->master = (struct plan_master){
			.known = true,
			.has_domain = input->facts->has_domain,
			.require_domain = input->facts->require_agent_domain,
		};
	if (plan->agent_count == 0)
		return;
	describe_all(input, plan);
	warn_versions(input, plan);
	warn_hidden(input, plan);
	warn_regions(input, plan);
	warn_roles(input, plan);
}
