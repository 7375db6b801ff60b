/* SPDX-License-Identifier: Apache-2.0 */
/* Any two SlaveInfos: one can be spliced into the checkpoint of the other. */
#include "tests/support/cmocka.h"
#include "tests/support/splice_fixture.h"

static uint64_t seed;

static unsigned random_below(unsigned limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % limit;
}

static void random_value(struct buffer *out, bool resource)
{
	switch (random_below(resource ? 2 : 3)) {
	case 0:
		buffer_printf(out, "%u.%u", random_below(5), random_below(1000));
		break;
	case 1:
		buffer_printf(out, "[%u-%u,%u-%u]", random_below(5), 5 + random_below(3), 8 + random_below(9),
			      20 + random_below(9));
		break;
	default:
		buffer_printf(out, "t%u", random_below(3));
		break;
	}
}

static Mesos__SlaveInfo *random_info(void)
{
	static const char *const roles[] = {"", "(web)", "(db/x)"};
	struct buffer attributes = BUFFER_INIT(4096), resources = BUFFER_INIT(4096), domain = BUFFER_INIT(4096);
	Mesos__SlaveInfo *info;

	buffer_printf(&resources, "cpus:%u;mem:%u;disk:%u;ports:[%u-9]", random_below(3), random_below(3),
		      random_below(3), random_below(9));
	for (unsigned i = random_below(6); i > 0; i--) {
		buffer_printf(&attributes, ";a%u:", random_below(4));
		random_value(&attributes, false);
	}
	for (unsigned i = random_below(6); i > 0; i--) {
		unsigned name = random_below(4);

		buffer_printf(&resources, ";r%u%s:", name, roles[random_below(3)]);
		if (name < 2)
			buffer_printf(&resources, "%u", random_below(4));
		else
			buffer_printf(&resources, "{x%u}", random_below(3));
	}
	if (random_below(2))
		buffer_printf(&domain, "{\"fault_domain\":{\"region\":{\"name\":\"r%u\"},\"zone\":{\"name\":\"z%u\"}}}",
			      random_below(2), random_below(2));
	info = splice_make(buffer_text(&attributes), buffer_text(&resources),
			   domain.len > 0 ? buffer_text(&domain) : NULL, random_below(2) ? "5051" : "5052");
	buffer_clear(&attributes);
	buffer_clear(&resources);
	buffer_clear(&domain);
	return info;
}

static void any_two_can_be_spliced(void **state)
{
	(void)state;
	for (seed = 1; seed < 2000;) {
		uint64_t start = seed;
		Mesos__SlaveInfo *before = random_info(), *target = random_info(), *after;
		struct buffer old = random_below(2) ? splice_with_unknown(before) : splice_built(before);
		struct buffer out = splice_do(&old, target), same = splice_do(&old, before);

		after = splice_parsed(&out);
		assert_int_equal(0, slaveinfo_diff(after, target));
		splice_assert_unknown_kept(&old, &out);
		splice_assert_same(&old, &same);
		slaveinfo_free(before);
		slaveinfo_free(target);
		slaveinfo_free(after);
		buffer_clear(&old);
		buffer_clear(&out);
		buffer_clear(&same);
		seed = start + 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_two_can_be_spliced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
