/* SPDX-License-Identifier: Apache-2.0 */
/* rollcall config render: the flags one agent would run with under a config. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/term.h"
#include "inventory/config_effect.h"
#include "inventory/drift.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/output.h"

struct render {
	struct session *session;
	struct agent_record agent;
	struct config_subject subject;
	struct flags after;
	struct drift_configs configs; /* that were put on, in this order */
	struct config_effects effects;
};

static void render_clear(struct render *render)
{
	config_effects_clear(&render->effects);
	drift_configs_clear(&render->configs);
	flags_clear(&render->after);
	config_subject_clear(&render->subject);
	agent_record_clear(&render->agent);
}

static int load_agent(struct render *render, const char *name)
{
	struct error *err = &render->session->error;
	int64_t cluster;
	int found;

	if (session_cluster_id(render->session, &cluster) < 0 ||
	    agents_find(session_store(render->session), cluster, name, &render->agent, err) < 0)
		return -1;
	found = config_subject_load(session_store(render->session), &render->agent, &render->subject, err);
	if (found == 0)
		error_set(err, ERROR_USAGE,
			  "the host of agent %s (%s) never answered a survey, so its flags are not known; `rollcall "
			  "inventory survey` asks it",
			  render->agent.view.hostname, render->agent.view.id);
	return found > 0 ? 0 : -1;
}

/* The one that is named, or those that were rolled out to the agent last. */
static int choose_configs(struct render *render, const char *reference)
{
	struct error *err = &render->session->error;

	if (reference) {
		render->configs.items = xcalloc(1, sizeof(*render->configs.items));
		render->configs.items[render->configs.count++] = xstrdup(reference);
		return 0;
	}
	if (drift_configs_load(session_store(render->session), render->agent.view.id, &render->configs, err) < 0)
		return -1;
	if (render->configs.count > 0)
		return 0;
	return error_set(
		err, ERROR_USAGE,
		"nothing was rolled out to agent %s (%s), or all of it was taken back; name a config: `rollcall config "
		"render %s CONFIG`",
		render->agent.view.hostname, render->agent.view.id, render->agent.view.hostname);
}

static int put_on(struct render *render, char **reference)
{
	struct error *err = &render->session->error;
	struct store *store = session_store(render->session);
	struct config_version version = {.name = NULL};
	struct config *config;
	int result = -1;

	if (config_find(store, *reference, &version, err) < 0)
		return -1;
	config = config_open(&version, err);
	if (config)
		result = config_subject_apply(&render->subject, config, store, &render->after, err);
	free(*reference);
	*reference = xasprintf("%s@%" PRId64, version.name, version.version);
	config_free(config);
	config_version_clear(&version);
	return result;
}

static int compute(struct render *render)
{
	flags_copy(&render->after, &render->subject.flags);
	for (size_t i = 0; i < render->configs.count; i++)
		if (put_on(render, &render->configs.items[i]) < 0)
			return -1;
	config_effects_between(&render->subject, &render->subject.flags, &render->after, &render->effects);
	return 0;
}

/* ---- showing */

static int print_json(const struct render *render)
{
	json_t *configs = json_array(), *changes = json_array();

	for (size_t i = 0; i < render->configs.count; i++)
		json_array_append_new(configs, json_string(render->configs.items[i]));
	for (size_t i = 0; i < render->effects.count; i++) {
		const struct config_effect *effect = &render->effects.items[i];

		json_array_append_new(changes,
				      json_pack("{s:o,s:o,s:o}", "what", output_text(effect->what), "before",
						output_text(effect->before), "after", output_text(effect->after)));
	}
	return output_json(json_pack("{s:o,s:o,s:o,s:o,s:b,s:o,s:o}", "id", output_text(render->agent.view.id),
				     "hostname", output_text(render->agent.view.hostname), "configs", configs,
				     "surveyed", output_time(render->subject.surveyed_ms), "outdated",
				     render->subject.outdated, "flags", flags_to_json(&render->after), "changes",
				     changes));
}

static int compare_flags(const void *left, const void *right)
{
	const struct flag *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static void print_end(const struct render *render)
{
	char when[CLOCK_TEXT_MAX];

	fprintf(stderr, "agent %s (%s) with", render->agent.view.hostname, render->agent.view.id);
	for (size_t i = 0; i < render->configs.count; i++)
		fprintf(stderr, "%s %s", i ? "," : "", render->configs.items[i]);
	fprintf(stderr, ": %zu change%s against what it %s\n", render->effects.count,
		render->effects.count == 1 ? "" : "s",
		render->subject.outdated ? "ran with when its host was surveyed" : "runs with");
	if (render->subject.outdated)
		log_warning("it has registered again since that survey (%s): `rollcall inventory survey --where "
			    "\"hostname = '%s'\"` says what it runs with now",
			    clock_format(render->subject.surveyed_ms, when), render->agent.view.hostname);
}

static void print_text(struct render *render)
{
	static const char *const headings[] = {"", "FLAG", "VALUE"};
	const struct flags *before = &render->subject.flags;
	struct table *table = table_new(headings, 3);

	if (render->after.count > 0)
		qsort(render->after.items, render->after.count, sizeof(*render->after.items), compare_flags);
	for (size_t i = 0; i < render->after.count; i++) {
		const struct flag *flag = &render->after.items[i];
		const char *old = flags_get(before, flag->name);
		bool changed = !old || strcmp(old, flag->value) != 0;
		const char *cells[] = {!changed ? "" : old ? "~" : "+", flag->name, flag->value};

		table_add(table, cells);
		table_set_style(table, 0, changed ? TERM_YELLOW : TERM_PLAIN);
	}
	for (size_t i = 0; i < before->count; i++) {
		const char *cells[] = {"-", before->items[i].name, ""};

		if (!flags_get(&render->after, before->items[i].name))
			table_add(table, cells);
	}
	table_print(table, stdout);
	table_free(table);
	print_end(render);
}

int command_config_render(int argc, const char *const argv[], const struct command *self, void *ctx)
{
	struct session *session = ctx;
	struct arguments operands = {NULL, 0};
	struct render render = {.session = session};
	int parsed = command_parse(session, self, argc, argv, NULL, &operands);
	int result = parsed < 0 ? -1 : 0;

	if (parsed == 0) {
		result = load_agent(&render, operands.items[0]);
		if (result == 0)
			result = choose_configs(&render, operands.count > 1 ? operands.items[1] : NULL);
		if (result == 0)
			result = compute(&render);
		if (result == 0 && session->json)
			result = print_json(&render);
		else if (result == 0)
			print_text(&render);
		render_clear(&render);
	}
	arguments_clear(&operands);
	return result;
}
