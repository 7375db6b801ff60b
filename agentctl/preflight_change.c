/* SPDX-License-Identifier: Apache-2.0 */
/* Findings about checkpoint and flags: as they are, and as a request would make them. */
#include <string.h>

#include "agentctl/preflight.h"
#include "base/alloc.h"
#include "base/clock.h"

/* Two SlaveInfos in text form. */
#define MESSAGE_MAX (64u << 20)

/* The most that an agent takes. */
#define REREGISTRATION_MAX_MS 15000

/* ---- as it is */

static void names_of(unsigned parts, struct buffer *out)
{
	json_t *names = slaveinfo_parts_to_json(parts);
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) buffer_printf(out, "%s%s", i == 0 ? "" : ", ", json_string_value(name));
	json_decref(names);
}

static bool is_additive(const struct flags *flags)
{
	const char *policy = flags_get(flags, "reconfiguration_policy");

	return policy != NULL && strcmp(policy, "additive") == 0;
}

/* What would the agent say to the checkpoint with these flags, if its policy were `equal`? */
static unsigned difference(const struct facts *facts, const struct flags *flags)
{
	struct error ignored = ERROR_INIT;
	Mesos__SlaveInfo *info = facts_slaveinfo(facts, flags, &ignored);
	unsigned differs = info == NULL ? 0 : slaveinfo_diff_for(facts->checkpoint.info, info, &facts->version);

	slaveinfo_free(info);
	return differs;
}

static void check_running(const struct facts *facts, struct findings *out)
{
	unsigned differs = difference(facts, &facts->agent.flags);
	struct buffer names = BUFFER_INIT(256);

	names_of(differs, &names);
	if (differs != 0 && is_additive(&facts->agent.flags))
		findings_add(out, "checkpoint-older", FINDING_WARN,
			     "the checkpoint is older than the flags the agent runs with: it accepted an addition (%s) "
			     "under the policy additive, which is never written back; under equal its next start would "
			     "refuse, and after a reboot it would lose its ID",
			     buffer_text(&names));
	else if (differs != 0)
		findings_add(out, "checkpoint-differs", FINDING_WARN,
			     "the flags the agent runs with do not give its checkpoint (%s): one of them is newer, or "
			     "this machine has changed since; its next start would refuse",
			     buffer_text(&names));
	buffer_clear(&names);
}

static void check_edited(const struct facts *facts, struct findings *out)
{
	struct flags next = FLAGS_INIT;
	struct buffer names = BUFFER_INIT(1024);

	facts_predict_flags(facts, &facts->store, NULL, 0, &next);
	for (size_t i = 0; i < next.count; i++) {
		const char *name = next.items[i].name;

		if (!flags_same_value(name, next.items[i].value, flags_get(&facts->agent.flags, name)))
			buffer_printf(&names, "%s--%s", names.len == 0 ? "" : ", ", name);
	}
	if (names.len > 0)
		findings_add(out, "flags-edited", FINDING_WARN,
			     "the flag store was edited since the agent started, or the agent does not read it: %s",
			     buffer_text(&names));
	buffer_clear(&names);
	flags_clear(&next);
}

static bool has_rebooted(const struct facts *facts)
{
	return facts->checkpoint.boot_id != NULL && strcmp(facts->checkpoint.boot_id, facts->boot_id) != 0;
}

void preflight_checkpoint(const struct facts *facts, struct findings *out)
{
	bool store = facts->store_error.kind == ERROR_NONE;

	if (facts->checkpoint_error.kind != ERROR_NONE) {
		findings_add(out, "checkpoint-broken", FINDING_REFUSE, "%s", facts->checkpoint_error.text);
		return;
	}
	if (facts->checkpoint.info == NULL)
		return;
	if (facts->running)
		check_running(facts, out);
	if (facts->running && store)
		check_edited(facts, out);
	if (has_rebooted(facts) && (facts->running || store)) {
		struct flags next = FLAGS_INIT;
		unsigned differs;

		facts_predict_flags(facts, &facts->store, NULL, 0, &next);
		differs = difference(facts, &next);
		flags_clear(&next);
		findings_add(out, "rebooted", differs != 0 ? FINDING_REFUSE : FINDING_WARN,
			     "the host was rebooted since the agent's last recovery%s",
			     differs != 0
				     ? ", and its flags do not give its checkpoint: when it starts it throws its ID "
				       "and its tasks away, without a word; do not start it like this"
				     : "");
	}
}

/* ---- as a request would make it */

static const char *or_unset(const char *value)
{
	return value == NULL ? "(not set)" : value;
}

/* The master tells an agent that comes back with another address to shut down. */
static void check_address(const struct facts *facts, const struct flags *next, struct findings *out)
{
	static const char *const names[] = {"ip", "ip6", "advertise_ip", "ip_discovery_command"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *now = flags_get(&facts->agent.flags, names[i]);
		const char *then = flags_get(next, names[i]);

		if (now == then || (now != NULL && then != NULL && strcmp(now, then) == 0))
			continue;
		findings_add(out, "ip-change", FINDING_REFUSE,
			     "--%s would change from %s to %s: with another address the master tells the agent to shut "
			     "down",
			     names[i], or_unset(now), or_unset(then));
	}
}

static void check_identity(const struct facts *facts, const Mesos__SlaveInfo *computed, struct findings *out)
{
	const Mesos__SlaveInfo *now = facts->checkpoint.info;

	if (strcmp(now->hostname, computed->hostname) != 0)
		findings_add(out, "hostname-change", FINDING_REFUSE,
			     "the hostname would change from %s to %s: the master would tell the agent to shut down",
			     now->hostname, computed->hostname);
	if (slaveinfo_port(now) != slaveinfo_port(computed))
		findings_add(out, "port-change", FINDING_REFUSE,
			     "the port would change from %d to %d: masters accept that, but it must be allowed "
			     "(allow_port_change)",
			     slaveinfo_port(now), slaveinfo_port(computed));
}

static void check_reserved(const struct facts *facts, const Mesos__SlaveInfo *computed, struct findings *out)
{
	struct recovery_rules rules = RECOVERY_STOCK;
	struct verdict verdict = {.accepted = false, .message = BUFFER_INIT(MESSAGE_MAX)};

	rules.version = facts->version;
	recovery_check(computed, computed, &facts->checkpoint.reserved, &rules, &verdict);
	if (!verdict.accepted)
		findings_add(out, "reservations", FINDING_REFUSE,
			     "reservations or volumes no longer fit into the new resources: %.1500s; release them "
			     "first, or leave the resources they need",
			     buffer_text(&verdict.message));
	verdict_clear(&verdict);
}

/* ---- what the master would ignore, without a word in its log or the agent's */

static bool reserves(const Mesos__SlaveInfo *info, const char *role)
{
	struct resources resources = slaveinfo_resources(info);
	bool found = false;

	for (size_t i = 0; i < resources.count; i++)
		for (size_t j = 0; j < resources.items[i]->n_reservations; j++)
			found = found || strcmp(resources.items[i]->reservations[j]->role, role) == 0;
	resources_clear(&resources);
	return found;
}

static void check_master(const struct request_master *master, const Mesos__SlaveInfo *computed, struct findings *out)
{
	bool domain = computed->domain != NULL && computed->domain->fault_domain != NULL;

	if (!master->known)
		return;
	if (domain && !master->has_domain)
		findings_add(
			out, "domain-ignored", FINDING_REFUSE,
			"the agent would have a domain and the master has none: the master would ignore it, and it "
			"would never come back; give every master a --domain first");
	if (!domain && master->require_domain)
		findings_add(out, "domain-required", FINDING_REFUSE,
			     "the agent would have no domain and the master runs with --require_agent_domain");
	for (size_t i = 0; i < master->refused_role_count; i++)
		if (reserves(computed, master->refused_roles[i]))
			findings_add(out, "role-ignored", FINDING_REFUSE,
				     "resources would be reserved for the role %s, which the master's ACL "
				     "(reserve_resources) does not let an agent do: it would stay inactive",
				     master->refused_roles[i]);
}

/* ---- flags and their values */

static void check_known(const struct facts *facts, const struct request *request, struct findings *out)
{
	struct known_flags known = {.names = NULL, .count = 0};
	bool any = false;

	for (size_t i = 0; i < request->edit_count; i++)
		any = any || request->edits[i].value != NULL;
	if (!any || facts->agent.executable == NULL)
		return;
	known_flags_ask(facts->agent.executable, &known);
	if (known.count == 0)
		findings_add(out, "help-unknown", FINDING_WARN,
			     "%s --help lists no flags: whether it knows the edited ones is not known",
			     facts->agent.executable);
	for (size_t i = 0; known.count > 0 && i < request->edit_count; i++)
		if (request->edits[i].value != NULL && !known_flags_have(&known, request->edits[i].name))
			findings_add(out, "unknown-flag", FINDING_REFUSE,
				     "this agent (Mesos %s) does not know the flag --%s: %s --help does not list it",
				     facts->version_text == NULL ? "of unknown version" : facts->version_text,
				     request->edits[i].name, facts->agent.executable);
	known_flags_clear(&known);
}

static bool is_duration(const char *name)
{
	static const char *const names[] = {"executor_registration_timeout",
					    "executor_reregistration_timeout",
					    "executor_reregistration_retry_interval",
					    "executor_shutdown_grace_period",
					    "recovery_timeout",
					    "registration_backoff_factor",
					    "authentication_backoff_factor",
					    "gc_delay",
					    "disk_watch_interval",
					    "container_disk_watch_interval",
					    "docker_remove_delay",
					    "docker_stop_timeout",
					    "perf_duration",
					    "perf_interval",
					    "logbufsecs_interval",
					    "qos_correction_interval_min",
					    "oversubscribed_resources_interval",
					    "cgroups_destroy_timeout",
					    "fetcher_stall_timeout",
					    "zk_session_timeout"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void check_duration(const struct flag_edit *edit, struct findings *out)
{
	struct error why = ERROR_INIT;
	int64_t ms = 0;

	if (clock_parse_duration(edit->value, &ms, &why) != 0)
		findings_add(out, "flag-value", FINDING_REFUSE, "the agent would not start with --%s=%s: %s",
			     edit->name, edit->value, why.text);
	else if (strcmp(edit->name, "executor_reregistration_timeout") == 0 && ms > REREGISTRATION_MAX_MS)
		findings_add(out, "flag-value", FINDING_REFUSE,
			     "the agent would not start with --%s=%s: it takes at most 15secs", edit->name,
			     edit->value);
}

static void check_values(const struct facts *facts, const struct request *request, const struct flags *next,
			 struct findings *out)
{
	const char *policy = flags_get(next, "reconfiguration_policy");
	enum recovery_policy parsed;
	struct error why = ERROR_INIT;

	for (size_t i = 0; i < request->edit_count; i++)
		if (request->edits[i].value != NULL && is_duration(request->edits[i].name))
			check_duration(&request->edits[i], out);
	if (policy != NULL && !mesos_version_at_least(&facts->version, 1, 5))
		findings_add(out, "flag-value", FINDING_REFUSE,
			     "--reconfiguration_policy came with Mesos 1.5; this agent is %s",
			     facts->version_text == NULL ? "older" : facts->version_text);
	else if (policy != NULL && recovery_policy_parse(policy, &parsed, &why) != 0)
		findings_add(out, "flag-value", FINDING_REFUSE, "the agent would not start: %s", why.text);
}

static void check_result(const struct facts *facts, const struct request *request, const struct flags *next,
			 struct findings *out)
{
	struct error why = ERROR_INIT;
	Mesos__SlaveInfo *computed = facts_slaveinfo(facts, next, &why);

	if (computed == NULL) {
		findings_add(out, "flag-value", FINDING_REFUSE, "the agent would not start with the new flags: %s",
			     why.text);
		return;
	}
	check_identity(facts, computed, out);
	check_reserved(facts, computed, out);
	check_master(&request->master, computed, out);
	slaveinfo_free(computed);
}

void preflight_change(const struct facts *facts, const struct request *request, struct findings *out)
{
	struct flag_store edited = {.kind = FLAG_STORE_UNKNOWN};
	struct flags next = FLAGS_INIT;
	struct error ignored = ERROR_INIT;

	check_known(facts, request, out);
	if (facts->checkpoint.info == NULL || facts->store_error.kind != ERROR_NONE ||
	    flag_store_edit(&facts->store, request->edits, request->edit_count, &edited, &ignored) != 0)
		return; /* why not, the change itself says */
	facts_predict_flags(facts, &edited, request->edits, request->edit_count, &next);
	check_address(facts, &next, out);
	check_values(facts, request, &next, out);
	check_result(facts, request, &next, out);
	preflight_containerizers(facts, &next, out);
	flags_clear(&next);
	flag_store_clear(&edited);
}
