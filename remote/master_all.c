/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/master_all.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/version.h"
#include "remote/http.h"
#include "remote/master_parse.h"

/* Flags and a version are a few KB. */
#define ANSWER_MAX (1u << 20)

/* ---- what is the same for each question */

struct asked {
	struct all *all;
	struct master_report *report;
	char *url;  /* of the request under way, as it may be shown */
	bool flags; /* the second question is under way */
};

struct all {
	const struct masters *masters;
	struct asked *asked;
	size_t count, open;
};

static void ask(struct asked *asked, bool flags);

static int read_version(struct asked *asked, const struct http_answer *answer, struct error *err)
{
	json_t *root = json_loadb(buffer_text(&answer->body), answer->body.len, 0, NULL);
	const char *version = json_string_value(json_object_get(root, "version"));
	if (version == NULL)
		error_set(err, ERROR_CORRUPT, "%s: the answer does not say a version", asked->url);
	else if (asked->report->facts.version == NULL)
		asked->report->facts.version = xstrdup(version);
	json_decref(root);
	return version != NULL ? 0 : -1;
}

/* The flag is the domain as JSON; ZooKeeper may have said it already. */
static void read_domain(struct master_facts *facts, const json_t *flags)
{
	const char *text = json_string_value(json_object_get(flags, "domain"));
	json_t *root = text != NULL ? json_loads(text, 0, NULL) : NULL;
	const json_t *domain = json_object_get(root, "fault_domain");
	const char *region = json_string_value(json_object_get(json_object_get(domain, "region"), "name"));
	const char *zone = json_string_value(json_object_get(json_object_get(domain, "zone"), "name"));
	if (region != NULL && zone != NULL && !facts->has_domain) {
		facts->has_domain = true;
		facts->region = xstrdup(region);
		facts->zone = xstrdup(zone);
	}
	json_decref(root);
}

static int read_flags(struct asked *asked, const struct http_answer *answer, struct error *err)
{
	struct master_reading reading = {.answer = ANSWER_FLAGS, .url = asked->url, .facts = &asked->report->facts};
	if (master_read_all(&reading, buffer_text(&answer->body), answer->body.len, err) < 0)
		return -1;
	json_t *root = json_loadb(buffer_text(&answer->body), answer->body.len, 0, NULL);
	read_domain(&asked->report->facts, json_object_get(root, "flags"));
	json_decref(root);
	return 0;
}

static void conclude(struct asked *asked, struct error *fault)
{
	struct master_report *report = asked->report;
	if (fault->kind != ERROR_NONE) {
		master_facts_clear(&report->facts);
		report->error = *fault;
	}
	asked->all->open--;
}

static void on_answer(void *ctx, struct http_answer *answer)
{
	struct asked *asked = ctx;
	struct error fault = answer->error;
	bool hidden = asked->flags && (answer->status == 401 || answer->status == 403);
	if (fault.kind == ERROR_NONE && answer->status == 200)
		(asked->flags ? read_flags : read_version)(asked, answer, &fault);
	else if (fault.kind == ERROR_NONE && !hidden)
		error_set(&fault, ERROR_UNREACHABLE, "%s: answered HTTP %d", asked->url, answer->status);
	if (fault.kind != ERROR_NONE || asked->flags)
		conclude(asked, &fault);
	else
		ask(asked, true);
}

static void ask(struct asked *asked, bool flags)
{
	const struct masters *masters = asked->all->masters;
	char *url = xasprintf("%s%s", asked->report->url, flags ? "/flags" : "/version");
	const struct http_request request = {
		.url = url, .timeout_ms = masters->timeout_ms, .max_body = ANSWER_MAX, .access = masters->access};
	free(asked->url);
	asked->url = http_url_for_people(url);
	asked->flags = flags;
	http_start(masters->http, &request, on_answer, asked);
	free(url);
}

/* ---- the roll */

static void copy_text(char **to, const char *from)
{
	free(*to);
	*to = from != NULL ? xstrdup(from) : NULL;
}

static void copy_facts(struct master_facts *to, const struct master_facts *from)
{
	*to = *from;
	to->version = to->id = to->cluster = to->region = to->zone = to->acls = to->agent_removal_rate_limit = NULL;
	copy_text(&to->version, from->version);
	copy_text(&to->id, from->id);
	copy_text(&to->cluster, from->cluster);
	copy_text(&to->region, from->region);
	copy_text(&to->zone, from->zone);
	copy_text(&to->acls, from->acls);
	copy_text(&to->agent_removal_rate_limit, from->agent_removal_rate_limit);
}

static void start_report(struct master_report *report, const char *url, const struct zookeeper *zookeeper, size_t index)
{
	*report = (struct master_report){.url = http_url_for_people(url)};
	report->facts.agent_count = -1;
	report->facts.task_count = -1;
	if (zookeeper != NULL)
		copy_facts(&report->facts, &zookeeper_masters(zookeeper)->masters[index].facts);
}

/* Since 1.5 every master has the capability. */
static void conclude_capability(struct master_report *report)
{
	struct mesos_version version;
	if (report->error.kind != ERROR_NONE || report->leads || report->facts.version == NULL ||
	    mesos_version_parse(report->facts.version, &version, NULL) < 0)
		return;
	report->facts.agent_update = version.major > 1 || (version.major == 1 && version.minor >= 5);
}

static bool is_leader(const struct master_report *report, const struct master_report *leader)
{
	if (report->facts.id != NULL && leader->facts.id != NULL)
		return strcmp(report->facts.id, leader->facts.id) == 0;
	return strcmp(report->url, leader->url) == 0;
}

/* The leader may be none of the URLs: a redirect may name it in another way. */
static void add_leader(struct master_roll *roll, const struct master_report *leader)
{
	struct master_report *to = NULL;
	if (leader->url == NULL)
		return;
	for (size_t i = 0; i < roll->count && to == NULL; i++) {
		if (is_leader(&roll->items[i], leader))
			to = &roll->items[i];
	}
	if (to == NULL)
		to = &roll->items[roll->count++];
	copy_text(&to->url, leader->url);
	master_facts_clear(&to->facts);
	copy_facts(&to->facts, &leader->facts);
	error_clear(&to->error);
	to->leads = true;
}

int master_ask_each(const struct masters *masters, const struct zookeeper *zookeeper, struct loop *loop,
		    const struct master_report *leader, struct master_roll *out)
{
	struct master_roll roll = {.items = xcalloc(masters->url_count + 1, sizeof(*roll.items))};
	struct all all = {.masters = masters, .asked = xcalloc(masters->url_count + 1, sizeof(*all.asked))};
	/* The list may change while they answer: what is asked is fixed now. */
	for (; roll.count < masters->url_count; roll.count++)
		start_report(&roll.items[roll.count], masters->urls[roll.count], zookeeper, roll.count);
	for (size_t i = 0; i < roll.count; i++) {
		all.asked[i] = (struct asked){.all = &all, .report = &roll.items[i]};
		all.open++;
		ask(&all.asked[i], false);
	}
	while (all.open > 0)
		loop_wait(loop, -1);
	for (size_t i = 0; i < roll.count; i++)
		free(all.asked[i].url);
	for (size_t i = 0; i < roll.count && zookeeper == NULL; i++)
		conclude_capability(&roll.items[i]);
	add_leader(&roll, leader);
	free(all.asked);
	*out = roll;
	return 0;
}
