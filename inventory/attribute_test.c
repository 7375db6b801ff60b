/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/attribute_test.h"

#include <jansson.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/hostset.h"
#include "inventory/store_functions.h"
#include "mesos/attributes_packed.h"

#define TEXT_MAX (64u << 20)

enum test_op { OP_IN, OP_LIKE, OP_REGEX, OP_LESS, OP_LESS_EQUAL, OP_GREATER, OP_GREATER_EQUAL };

static const char *const op_names[] = {"in", "like", "regex", "<", "<=", ">", ">="};
#define OPS (sizeof(op_names) / sizeof(op_names[0]))

struct attribute_test {
	struct bytes name;
	enum test_op op;
	struct bytes *texts; /* sorted */
	size_t text_count;
	struct hostset **sets;
	size_t set_count;
	double *numbers;
	size_t number_count;
	bool has_regex;
	regex_t regex;
	struct buffer printed, terminated; /* used again and again */
	json_t *root;                      /* whose memory the texts are */
};

/* ---- writing */

static enum test_op op_of(enum token_kind op)
{
	switch (op) {
	case TOKEN_LIKE:
		return OP_LIKE;
	case TOKEN_MATCH:
	case TOKEN_NO_MATCH:
		return OP_REGEX;
	case TOKEN_LESS:
		return OP_LESS;
	case TOKEN_LESS_EQUAL:
		return OP_LESS_EQUAL;
	case TOKEN_GREATER:
		return OP_GREATER;
	case TOKEN_GREATER_EQUAL:
		return OP_GREATER_EQUAL;
	default:
		return OP_IN;
	}
}

char *attribute_test_write(const char *name, enum token_kind op, const struct literals *literals)
{
	json_t *texts = json_array(), *sets = json_array(), *numbers = json_array(), *root;
	char *text;

	for (size_t i = 0; i < literals->count; i++) {
		const struct literal *literal = &literals->items[i];

		json_array_append_new(literal->form == LITERAL_SET ? sets : texts, json_string(literal->text));
		if (literal->form == LITERAL_NUMBER)
			json_array_append_new(numbers, json_real(literal->number));
	}
	root = json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", name, "op", op_names[op_of(op)], "texts", texts, "sets",
			 sets, "numbers", numbers);
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text ? text : xstrdup("");
}

/* ---- reading */

static int compare_bytes(const struct bytes *a, const struct bytes *b)
{
	int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int by_bytes(const void *a, const void *b)
{
	return compare_bytes(a, b);
}

static struct bytes bytes_of(const json_t *string)
{
	const char *text = json_string_value(string);

	return (struct bytes){text ? text : "", json_string_length(string)};
}

static void read_texts(struct attribute_test *test, const json_t *texts)
{
	test->texts = xcalloc(json_array_size(texts) + 1, sizeof(*test->texts));
	for (; test->text_count < json_array_size(texts); test->text_count++)
		test->texts[test->text_count] = bytes_of(json_array_get(texts, test->text_count));
	qsort(test->texts, test->text_count, sizeof(*test->texts), by_bytes);
}

static void read_numbers(struct attribute_test *test, const json_t *numbers)
{
	test->numbers = xcalloc(json_array_size(numbers) + 1, sizeof(*test->numbers));
	for (; test->number_count < json_array_size(numbers); test->number_count++)
		test->numbers[test->number_count] = json_number_value(json_array_get(numbers, test->number_count));
}

static int read_sets(struct attribute_test *test, const json_t *sets, struct error *err)
{
	test->sets = xcalloc(json_array_size(sets) + 1, sizeof(struct hostset *));
	for (; test->set_count < json_array_size(sets); test->set_count++) {
		size_t at;

		test->sets[test->set_count] = hostset_parse(bytes_of(json_array_get(sets, test->set_count)).data, &at,
							    err);
		if (!test->sets[test->set_count])
			return -1;
	}
	return 0;
}

static int read_op(struct attribute_test *test, const char *name, struct error *err)
{
	size_t op = 0;

	while (op < OPS && strcmp(op_names[op], name) != 0)
		op++;
	if (op == OPS)
		return error_set(err, ERROR_USAGE, "no comparison with an attribute: \"%s\"", name);
	test->op = (enum test_op)op;
	if ((op == OP_LIKE || op == OP_REGEX) && test->text_count != 1)
		return error_set(err, ERROR_USAGE, "a comparison with one pattern needs one");
	if (op > OP_REGEX && test->number_count != 1)
		return error_set(err, ERROR_USAGE, "a comparison with one number needs one");
	if (op == OP_REGEX && selector_regex_compile(&test->regex, test->texts[0].data, err) < 0)
		return -1;
	test->has_regex = op == OP_REGEX;
	return 0;
}

struct attribute_test *attribute_test_read(const char *text, struct error *err)
{
	struct attribute_test *test = xcalloc(1, sizeof(*test));

	test->printed = test->terminated = (struct buffer)BUFFER_INIT(TEXT_MAX);
	test->root = json_loads(text, 0, NULL);
	test->name = bytes_of(json_object_get(test->root, "name"));
	read_texts(test, json_object_get(test->root, "texts"));
	read_numbers(test, json_object_get(test->root, "numbers"));
	if (read_sets(test, json_object_get(test->root, "sets"), err) == 0 &&
	    read_op(test, bytes_of(json_object_get(test->root, "op")).data, err) == 0)
		return test;
	attribute_test_free(test);
	return NULL;
}

void attribute_test_free(void *data)
{
	struct attribute_test *test = data;

	for (size_t i = 0; i < test->set_count; i++)
		hostset_free(test->sets[i]);
	if (test->has_regex)
		regfree(&test->regex);
	free(test->sets);
	free(test->texts);
	free(test->numbers);
	buffer_clear(&test->printed);
	buffer_clear(&test->terminated);
	json_decref(test->root);
	free(test);
}

/* ---- asking */

static bool has_text(const struct attribute_test *test, const struct bytes *text)
{
	if (test->text_count == 1)
		return compare_bytes(text, &test->texts[0]) == 0;
	return test->text_count && bsearch(text, test->texts, test->text_count, sizeof(*test->texts), by_bytes) != NULL;
}

static bool has_number(const struct attribute_test *test, double number)
{
	for (size_t i = 0; i < test->number_count; i++)
		if (number >= test->numbers[i] && number <= test->numbers[i])
			return true;
	return false;
}

static const char *terminate(struct attribute_test *test, const struct bytes *text)
{
	buffer_reset(&test->terminated);
	buffer_append(&test->terminated, text->data, text->len);
	return buffer_text(&test->terminated);
}

static bool in_list(struct attribute_test *test, const struct attribute_reader *attribute)
{
	double number;

	if (test->number_count && attribute_number(attribute, &number) && has_number(test, number))
		return true;
	const struct bytes text = attribute_text(attribute, &test->printed);
	if (has_text(test, &text))
		return true;
	for (size_t i = 0; i < test->set_count; i++)
		if (hostset_has(test->sets[i], terminate(test, &text)))
			return true;
	return false;
}

static bool fits_pattern(struct attribute_test *test, const struct attribute_reader *attribute)
{
	const struct bytes value = attribute_text(attribute, &test->printed);
	const char *text = terminate(test, &value);

	return test->op == OP_LIKE ? selector_like(test->texts[0].data, text)
				   : regexec(&test->regex, text, 0, NULL, 0) == 0;
}

static bool in_order(const struct attribute_test *test, const struct attribute_reader *attribute)
{
	double number, bound = test->numbers[0];

	if (!attribute_number(attribute, &number))
		return false;
	switch (test->op) {
	case OP_LESS:
		return number < bound;
	case OP_LESS_EQUAL:
		return number <= bound;
	case OP_GREATER:
		return number > bound;
	default:
		return number >= bound;
	}
}

static bool holds(struct attribute_test *test, const struct attribute_reader *attribute)
{
	if (test->op == OP_IN)
		return in_list(test, attribute);
	return test->op == OP_LIKE || test->op == OP_REGEX ? fits_pattern(test, attribute) : in_order(test, attribute);
}

bool attribute_test_holds(struct attribute_test *test, const void *info, size_t len)
{
	struct attribute_reader reader = attribute_reader_start(info, len);
	const struct bytes nothing = {"", 0};
	bool named = false;

	while (attribute_next(&reader)) {
		if (compare_bytes(&reader.name, &test->name) != 0)
			continue;
		if (holds(test, &reader))
			return true;
		named = true;
	}
	return !named && test->op == OP_IN && has_text(test, &nothing);
}
