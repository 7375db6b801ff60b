/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator: to whom what is offered, and when an offer is taken back. */
#include "lab/master/allocator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/support/cmocka.h"

static void parse(const char *text, struct resources *out)
{
	struct error err = ERROR_INIT;
	assert_ok(resources_parse(text, NULL, &mesos_version_newest, out, &err), &err);
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

static void a_role_of_a_similar_name_may_not(void **state)
{
	struct world *world = *state;
	agent(world, "a", "cpus:1;mem(web):100", true);
	framework(world, "w", "webs");
	allocator_run(world->allocator, 0);
	said(world, "+1 w/webs@a cpus:1\n");
}

/* What a role was offered counts as had: the next agent is another's. */
static void what_is_on_offer_is_shared_out(void **state)
{
	struct world *world = *state;
	agent(world, "a", "cpus:10;mem:1000", true);
	agent(world, "b", "cpus:10;mem:1000", true);
	agent(world, "c", "cpus:10;mem:1000", true);
	framework(world, "f", "one");
	framework(world, "g", "one");
	framework(world, "h", "two");
	allocator_run(world->allocator, 0);
	said(world, "+1 f/one@a cpus:10; mem:1000\n+2 h/two@b cpus:10; mem:1000\n+3 g/one@c cpus:10; mem:1000\n");
}

static void what_one_refuses_another_gets(void **state)
{
	struct world *world = *state;
	struct resources all = {.items = NULL};
	agent(world, "a", "cpus:8;mem:100", true);
	framework(world, "f", "*");
	framework(world, "g", "*");
	allocator_run(world->allocator, 0);
	resources_copy(&all, allocator_find_offer(world->allocator, 1)->resources.items, 2);
	allocator_end_offer(world->allocator, 1, &all, 5000);
	allocator_run(world->allocator, 1);
	said(world, "+1 f/*@a cpus:8; mem:100\n+2 g/*@a cpus:8; mem:100\n");
	resources_clear(&all);
}

/* Of a framework with two roles, one at a time. */
static void suppressed_and_revived_by_role(void **state)
{
	static const char *const roles[] = {"db", "web"};
	struct world *world = *state;
	struct resources all = {.items = NULL};
	agent(world, "a", "cpus:8;mem:100", true);
	allocator_set_framework(world->allocator, "f", roles, 2, false);
	for (uint64_t number = 1; number <= 2; number++) {
		allocator_run(world->allocator, 0);
		resources_clear(&all);
		resources_copy(&all, allocator_find_offer(world->allocator, number)->resources.items, 2);
		allocator_end_offer(world->allocator, number, &all, 5000);
	}
	allocator_run(world->allocator, 0);
	said(world, "+1 f/db@a cpus:8; mem:100\n+2 f/web@a cpus:8; mem:100\n"); /* both have refused it */
	allocator_revive(world->allocator, "f", &roles[1], 1);
	allocator_run(world->allocator, 0);
	said(world, "+3 f/web@a cpus:8; mem:100\n"); /* and not for "db", which comes first */
	allocator_end_offer(world->allocator, 3, NULL, 0);
	allocator_revive(world->allocator, "f", NULL, 0);
	allocator_suppress(world->allocator, "f", &roles[0], 1);
	allocator_run(world->allocator, 0);
	said(world, "+4 f/web@a cpus:8; mem:100\n");
	allocator_end_offer(world->allocator, 4, NULL, 0);
	allocator_suppress(world->allocator, "f", NULL, 0);
	allocator_run(world->allocator, 0);
	said(world, "");
	resources_clear(&all);
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
	allocator_suppress(world->allocator, "f", NULL, 0);
	allocator_run(world->allocator, 20000);
	said(world, "");
	allocator_revive(world->allocator, "f", NULL, 0);
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
		cmocka_unit_test_setup_teardown(a_free_agent_is_offered_whole, begin, end),
		cmocka_unit_test_setup_teardown(reservations_are_honoured, begin, end),
		cmocka_unit_test_setup_teardown(a_role_below_may_have_what_is_reserved_above, begin, end),
		cmocka_unit_test_setup_teardown(a_role_of_a_similar_name_may_not, begin, end),
		cmocka_unit_test_setup_teardown(what_is_on_offer_is_shared_out, begin, end),
		cmocka_unit_test_setup_teardown(what_one_refuses_another_gets, begin, end),
		cmocka_unit_test_setup_teardown(suppressed_and_revived_by_role, begin, end),
		cmocka_unit_test_setup_teardown(the_smallest_dominant_share_comes_first, begin, end),
		cmocka_unit_test_setup_teardown(within_a_role_the_smallest_framework_comes_first, begin, end),
		cmocka_unit_test_setup_teardown(what_is_refused_is_not_offered_again_until, begin, end),
		cmocka_unit_test_setup_teardown(offers_are_taken_back, begin, end),
		cmocka_unit_test_setup_teardown(an_overcommitted_agent_is_offered_again_when_tasks_end, begin, end),
		cmocka_unit_test_setup_teardown(another_region_is_for_those_who_know_regions, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
