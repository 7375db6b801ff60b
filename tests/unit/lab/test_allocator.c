/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator: what of an agent can be given, to whom it is offered, and when an offer is taken back. */
#include "lab/master/allocator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"

#define TEXT_MAX 4096

static void parse(const char *text, struct resources *out)
{
	struct error err = ERROR_INIT;
	if (text[0] != '[') {
		assert_ok(resources_parse(text, NULL, &mesos_version_newest, out, &err), &err);
		return;
	}
	json_t *list = json_loads(text, 0, NULL); /* no flag may name a volume */
	assert_ok(resources_from_json(list, out, &err), &err);
	resources_normalise(out);
	json_decref(list);
}

static void same(const struct resources *found, const char *text)
{
	struct resources wanted = {.items = NULL};
	struct buffer shown = BUFFER_INIT(TEXT_MAX);
	parse(text, &wanted);
	if (!resources_equal(found, &wanted)) {
		resources_to_text(found, &shown);
		fail_msg("%s instead of %s", buffer_text(&shown), text);
	}
	buffer_clear(&shown);
	resources_clear(&wanted);
}

static void headroom(const char *total_text, const char *used_text, const char *wanted)
{
	struct resources total = {.items = NULL}, used = {.items = NULL}, found = {.items = NULL};
	parse(total_text, &total);
	parse(used_text, &used);
	allocator_headroom(&total, &used, &found);
	same(&found, wanted);
	resources_clear(&total);
	resources_clear(&used);
	resources_clear(&found);
}

static void headroom_is_the_difference(void **state)
{
	(void)state;
	headroom("cpus:8;mem:4096;ports:[31000-32000]", "cpus:0.5;mem:1024;ports:[31000-31009]",
		 "cpus:7.5;mem:3072;ports:[31010-32000]");
	headroom("cpus:8;mem(web):100;mem:50", "mem(web):40", "cpus:8;mem(web):60;mem:50");
}

static void headroom_is_never_negative(void **state)
{
	(void)state;
	headroom("cpus:2;mem:512", "cpus:3;mem:1024", "");
	headroom("cpus:2;mem:512;ports:[1-5]", "cpus:0.1;mem:1024;ports:[4-9]", "cpus:1.9;ports:[1-3]");
	headroom("cpus:8", "cpus:1;gpus:2", "cpus:7");
	headroom("", "cpus:1", "");
}

/* What is used and reserved for another role by now is missing from the sum of its name. */
static void headroom_knows_what_has_moved(void **state)
{
	(void)state;
	headroom("cpus:4;mem(db):1000", "mem(web):600", "cpus:4;mem(db):400");
	headroom("cpus:4;mem(db):1000;mem:500", "mem(web):600", "cpus:4;mem(db):900");
	headroom("mem(db):1000;ports(db):[1-10]", "ports(web):[3-4]", "mem(db):1000;ports(db):[1-2,5-10]");
	headroom("mem(web):100;mem(db):1000;mem:10", "mem(web):300", "mem(db):810");
}

static const char volume[] = "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":%d},\"reservations\":[{"
			     "\"type\":\"DYNAMIC\",\"role\":\"%s\"}],\"disk\":{\"persistence\":{\"id\":\"v\"},"
			     "\"volume\":{\"container_path\":\"v\",\"mode\":\"RW\"}}}";

/* A volume is given whole or not at all. */
static void volumes_are_not_cut(void **state)
{
	char kept[512], list[1024], used[1024];
	(void)state;
	snprintf(kept, sizeof(kept), volume, 100, "web");
	snprintf(list, sizeof(list), "[%s,{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":50}}]", kept);
	snprintf(used, sizeof(used), "[%s]", kept);
	headroom(list, used, "disk:50");
	headroom(list, "disk:50", used);
	headroom(list, "disk:60", ""); /* 10 more than there are: the volume bears it, and is not cut */
}

/* ---- offers */

struct world {
	struct allocator *allocator;
	struct buffer said; /* "+1 framework/role@agent cpus:…\n", "-1\n" */
};

static void offered(void *ctx, const struct allocator_offer *offer)
{
	struct world *world = ctx;
	buffer_printf(&world->said, "+%llu %s/%s@%s ", (unsigned long long)offer->number, offer->framework, offer->role,
		      offer->agent);
	resources_to_text(&offer->resources, &world->said);
	buffer_putc(&world->said, '\n');
}

static void rescinded(void *ctx, const struct allocator_offer *offer)
{
	struct world *world = ctx;
	buffer_printf(&world->said, "-%llu\n", (unsigned long long)offer->number);
}

static const struct allocator_ops ops = {.offered = offered, .rescinded = rescinded};

static int begin(void **state)
{
	struct world *world = xcalloc(1, sizeof(*world));
	*world = (struct world){.said = BUFFER_INIT(1u << 20)};
	world->allocator = allocator_new(&ops, world);
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;
	allocator_free(world->allocator);
	buffer_clear(&world->said);
	free(world);
	return 0;
}

/* What was said since the last time. */
static void said(struct world *world, const char *wanted)
{
	assert_string_equal(buffer_text(&world->said), wanted);
	buffer_clear(&world->said);
}

static void agent(struct world *world, const char *id, const char *text, bool open)
{
	struct resources total = {.items = NULL};
	parse(text, &total);
	allocator_set_agent(world->allocator, id, &total, open, false);
	resources_clear(&total);
}

static void use(struct world *world, const char *id, const char *framework, const char *role, const char *text)
{
	struct resources used = {.items = NULL};
	parse(text, &used);
	const struct allocator_use one = {.framework = framework, .role = role, .resources = &used};
	allocator_set_uses(world->allocator, id, &one, used.count > 0 ? 1 : 0);
	resources_clear(&used);
}

static void framework(struct world *world, const char *id, const char *role)
{
	allocator_set_framework(world->allocator, id, &role, 1, false);
}

static void a_free_agent_is_offered_whole(void **state)
{
	struct world *world = *state;
	agent(world, "a", "cpus:8;mem:100", true);
	use(world, "a", "lab", "*", "cpus:1;mem:40");
	framework(world, "f", "*");
	allocator_run(world->allocator, 0);
	said(world, "+1 f/*@a cpus:7; mem:60\n");
	allocator_run(world->allocator, 0);
	said(world, "");
}

static void reservations_are_honoured(void **state)
{
	struct world *world = *state;
	agent(world, "a", "cpus:8;mem(web):100;mem(db):200;mem:50", true);
	framework(world, "f", "web");
	framework(world, "g", "db");
	framework(world, "h", "web/blue");
	allocator_run(world->allocator, 0);
	/* All shares are 0: "db" comes first by its name, then what is left for "web". "web/blue" finds nothing. */
	said(world, "+1 g/db@a cpus:8; mem(reservations: [(STATIC,db)]):200; mem:50\n"
		    "+2 f/web@a mem(reservations: [(STATIC,web)]):100\n");
}

static void a_role_below_may_have_what_is_reserved_above(void **state)
{
	struct world *world = *state;
	agent(world, "a", "cpus:1;mem(web):100", true);
	framework(world, "h", "web/blue");
	framework(world, "w", "webs");
	allocator_run(world->allocator, 0);
	said(world, "+1 h/web/blue@a cpus:1; mem(reservations: [(STATIC,web)]):100\n");
}

static void the_smallest_dominant_share_comes_first(void **state)
{
	struct world *world = *state;
	agent(world, "a", "cpus:10;mem:1000", false);
	agent(world, "b", "cpus:10;mem:1000", true);
	use(world, "a", "f", "one", "cpus:1;mem:500"); /* a quarter of all memory */
	framework(world, "f", "one");
	framework(world, "g", "two");
	allocator_run(world->allocator, 0);
	said(world, "+1 g/two@b cpus:10; mem:1000\n");
	allocator_end_offer(world->allocator, 1, NULL, 0);
	use(world, "a", "g", "two", "cpus:6"); /* three tenths of all cpus */
	allocator_run(world->allocator, 0);
	said(world, "+2 f/one@b cpus:10; mem:1000\n");
}

static void within_a_role_the_smallest_framework_comes_first(void **state)
{
	struct world *world = *state;
	agent(world, "a", "cpus:10;mem:1000", false);
	agent(world, "b", "cpus:10;mem:1000", true);
	use(world, "a", "f", "*", "cpus:1");
	framework(world, "f", "*");
	framework(world, "g", "*");
	allocator_run(world->allocator, 0);
	said(world, "+1 g/*@b cpus:10; mem:1000\n");
}

static void what_is_refused_is_not_offered_again_until(void **state)
{
	struct world *world = *state;
	struct resources all = {.items = NULL};
	agent(world, "a", "cpus:8;mem:100", true);
	framework(world, "f", "*");
	allocator_run(world->allocator, 0);
	resources_copy(&all, allocator_find_offer(world->allocator, 1)->resources.items, 2);
	allocator_end_offer(world->allocator, 1, &all, 5000);
	allocator_run(world->allocator, 4999);
	said(world, "+1 f/*@a cpus:8; mem:100\n");
	allocator_run(world->allocator, 5000);
	said(world, "+2 f/*@a cpus:8; mem:100\n");
	allocator_end_offer(world->allocator, 2, &all, 10000);
	agent(world, "a", "cpus:9;mem:100", true); /* there is more of it */
	allocator_run(world->allocator, 5001);
	said(world, "+3 f/*@a cpus:9; mem:100\n");
	allocator_end_offer(world->allocator, 3, &all, 10000);
	agent(world, "a", "cpus:7;mem:100", true);
	allocator_run(world->allocator, 5002);
	said(world, "");
	allocator_suppress(world->allocator, "f");
	allocator_run(world->allocator, 20000);
	said(world, "");
	allocator_revive(world->allocator, "f");
	allocator_run(world->allocator, 5003);
	said(world, "+4 f/*@a cpus:7; mem:100\n");
	resources_clear(&all);
}

static void offers_are_taken_back(void **state)
{
	struct world *world = *state;
	agent(world, "a", "cpus:8;mem:100", true);
	framework(world, "f", "*");
	allocator_run(world->allocator, 0);
	agent(world, "a", "cpus:9;mem:100", true); /* still fits */
	said(world, "+1 f/*@a cpus:8; mem:100\n");
	agent(world, "a", "cpus:7;mem:100", true); /* shrunk */
	allocator_run(world->allocator, 0);
	said(world, "-1\n+2 f/*@a cpus:7; mem:100\n");
	use(world, "a", "g", "*", "cpus:1"); /* a task that was unreachable is back */
	allocator_run(world->allocator, 0);
	said(world, "-2\n+3 f/*@a cpus:6; mem:100\n");
	agent(world, "a", "cpus:7;mem:100", false); /* deactivated, disconnected */
	allocator_run(world->allocator, 0);
	said(world, "-3\n");
	agent(world, "a", "cpus:7;mem:100", true);
	allocator_run(world->allocator, 0);
	allocator_remove_framework(world->allocator, "f");
	said(world, "+4 f/*@a cpus:6; mem:100\n-4\n");
	framework(world, "f", "*");
	allocator_run(world->allocator, 0);
	allocator_remove_agent(world->allocator, "a");
	said(world, "+5 f/*@a cpus:6; mem:100\n-5\n");
	allocator_run(world->allocator, 0);
	said(world, "");
}

static void an_overcommitted_agent_is_offered_again_when_tasks_end(void **state)
{
	struct world *world = *state;
	agent(world, "a", "cpus:8;mem:4096", true);
	use(world, "a", "f", "*", "cpus:4;mem:4096");
	framework(world, "f", "*");
	agent(world, "a", "cpus:2;mem:1024", true); /* 200 % of its cpus, 400 % of its memory */
	allocator_run(world->allocator, 0);
	said(world, "");
	use(world, "a", "f", "*", "cpus:1.5;mem:2048");
	allocator_run(world->allocator, 0);
	said(world, "+1 f/*@a cpus:0.5\n");
	use(world, "a", "f", "*", "");
	said(world, "");
	allocator_end_offer(world->allocator, 1, NULL, 0);
	allocator_run(world->allocator, 0);
	said(world, "+2 f/*@a cpus:2; mem:1024\n");
}

static void another_region_is_for_those_who_know_regions(void **state)
{
	struct world *world = *state;
	const char *role = "*";
	struct resources total = {.items = NULL};
	parse("cpus:1", &total);
	allocator_set_agent(world->allocator, "a", &total, true, true);
	framework(world, "f", "*");
	allocator_run(world->allocator, 0);
	said(world, "");
	allocator_set_framework(world->allocator, "f", &role, 1, true);
	allocator_run(world->allocator, 0);
	said(world, "+1 f/*@a cpus:1\n");
	resources_clear(&total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headroom_is_the_difference),
		cmocka_unit_test(headroom_is_never_negative),
		cmocka_unit_test(headroom_knows_what_has_moved),
		cmocka_unit_test(volumes_are_not_cut),
		cmocka_unit_test_setup_teardown(a_free_agent_is_offered_whole, begin, end),
		cmocka_unit_test_setup_teardown(reservations_are_honoured, begin, end),
		cmocka_unit_test_setup_teardown(a_role_below_may_have_what_is_reserved_above, begin, end),
		cmocka_unit_test_setup_teardown(the_smallest_dominant_share_comes_first, begin, end),
		cmocka_unit_test_setup_teardown(within_a_role_the_smallest_framework_comes_first, begin, end),
		cmocka_unit_test_setup_teardown(what_is_refused_is_not_offered_again_until, begin, end),
		cmocka_unit_test_setup_teardown(offers_are_taken_back, begin, end),
		cmocka_unit_test_setup_teardown(an_overcommitted_agent_is_offered_again_when_tasks_end, begin, end),
		cmocka_unit_test_setup_teardown(another_region_is_for_those_who_know_regions, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
