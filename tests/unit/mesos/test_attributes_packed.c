/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes read where they lie are those of the SlaveInfo. */
#include "mesos/attributes_packed.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "mesos/attributes.h"
#include "mesos/slaveinfo.h"
#include "tests/support/cmocka.h"

static const char json[] =
	"{\"hostname\":\"h\",\"resources\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}],\"attributes\":[{\"name\":\"rack\",\"type\":\"TEXT\",\"text\":{\"value\":\"r1\"}},{\"name\":\"rack\",\"type\":\"TEXT\",\"text\":{\"value\":\"\"}},{\"name\":\"\",\"type\":\"TEXT\",\"text\":{\"value\":\"\xc3\xa4\"}},{\"name\":\"level\",\"type\":\"SCALAR\",\"scalar\":{\"value\":4.5004}},{\"name\":\"keys\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":3},{\"begin\":4,\"end\":9}]}},{\"name\":\"set\",\"type\":\"SET\",\"set\":{\"item\":[\"a\",\"b\"]}},{\"name\":\"odd\",\"type\":\"SCALAR\",\"text\":{\"value\":\"t\"}},{\"name\":\"odder\",\"type\":\"TEXT\",\"scalar\":{\"value\":4}},{\"name\":\"both\",\"type\":\"SCALAR\",\"scalar\":{\"value\":4},\"text\":{\"value\":\"t\"}}],\"id\":{\"value\":\"S1\"}}";

static Mesos__SlaveInfo *make_info(struct buffer *packed)
{
	json_t *root = json_loads(json, 0, NULL);
	Mesos__SlaveInfo *info = slaveinfo_from_json(root, NULL);

	assert_non_null(info);
	slaveinfo_pack(info, packed);
	json_decref(root);
	return info;
}

static void check(const struct attribute_reader *reader, const Mesos__Attribute *attribute)
{
	struct buffer scratch = BUFFER_INIT(1000), wanted = BUFFER_INIT(1000);
	struct bytes text = attribute_text(reader, &scratch);
	bool scalar = attribute->type == MESOS__VALUE__TYPE__SCALAR && attribute->scalar != NULL;
	double number = -1;

	attribute_value_text(attribute, &wanted);
	assert_int_equal(reader->name.len, strlen(attribute->name));
	assert_memory_equal(reader->name.data, attribute->name, reader->name.len);
	assert_int_equal(text.len, wanted.len);
	assert_memory_equal(text.data, buffer_text(&wanted), text.len);
	assert_int_equal(attribute_number(reader, &number), scalar);
	assert_true(!scalar || (number >= attribute->scalar->value && number <= attribute->scalar->value));
	buffer_clear(&scratch);
	buffer_clear(&wanted);
}

static void test_all_kinds(void **state)
{
	struct buffer packed = BUFFER_INIT(1u << 16);
	Mesos__SlaveInfo *info = make_info(&packed);
	struct attribute_reader reader = attribute_reader_start(packed.data, packed.len);
	size_t count = 0;

	(void)state;
	for (; attribute_next(&reader); count++)
		check(&reader, info->attributes[count]);
	assert_int_equal(count, info->n_attributes);
	slaveinfo_free(info);
	buffer_clear(&packed);
}

/* A row that was damaged is read to where it is whole. */
static void test_damaged(void **state)
{
	struct buffer packed = BUFFER_INIT(1u << 16), scratch = BUFFER_INIT(1000);

	(void)state;
	slaveinfo_free(make_info(&packed));
	for (size_t len = 0; len <= 2 * packed.len; len++) {
		char *copy = xmemdup(packed.data, packed.len);
		size_t size = len < packed.len ? len : packed.len;
		double number;

		if (len > packed.len)
			copy[len - packed.len - 1] ^= 0x7f;
		char *exact = xmemdup(copy, size);
		struct attribute_reader reader = attribute_reader_start(exact, size);
		for (size_t i = 0; attribute_next(&reader); i++) {
			attribute_text(&reader, &scratch);
			attribute_number(&reader, &number);
			assert_true(i < packed.len);
		}
		free(exact);
		free(copy);
	}
	buffer_clear(&packed);
	buffer_clear(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
