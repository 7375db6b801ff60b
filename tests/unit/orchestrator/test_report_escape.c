/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile words in each place of each kind of document. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "orchestrator/report/escape.h"

static void check(void (*escape)(struct buffer *out, const char *text), const char *text, const char *wanted)
{
	struct buffer out = BUFFER_INIT(1u << 20);

	escape(&out, text);
	assert_string_equal(buffer_text(&out), wanted);
	buffer_clear(&out);
}

static void html(void **state)
{
	(void)state;
	check(escape_html, "a<b>\"c'&d", "a&lt;b&gt;&quot;c&#39;&amp;d");
	check(escape_html, "two\nlines", "two\nlines");
	check(escape_html, "\033[2J\u202egnp", "?[2J?gnp");
	check(escape_html, "bad\xff\xfe", "bad??");
	check(escape_html, "\u05d0 stays, ümlaut too", "\u05d0 stays, ümlaut too");
	check(escape_html, NULL, "\u2013");
}

/* What comes out is the same document, and nothing in it ends the element. */
static void script(void **state)
{
	static const char *const texts[] = {"</script><!--<script>", "]]>&amp;", "\u2028\u2029", "\"\\\n\t"};
	json_t *document = json_array();
	struct buffer out = BUFFER_INIT(1u << 20);

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		json_array_append_new(document, json_string(texts[i]));
	escape_script(&out, document);
	assert_null(strpbrk(buffer_text(&out), "<>&"));
	for (size_t i = 0; i < out.len; i++)
		assert_true((unsigned char)out.data[i] < 0x80);
	json_t *read = json_loads(buffer_text(&out), 0, NULL);
	assert_true(json_equal(document, read));
	json_decref(read);
	json_decref(document);
	buffer_clear(&out);
}

static void csv(void **state)
{
	(void)state;
	check(escape_csv, "plain, with a comma", "\"plain, with a comma\"");
	check(escape_csv, "say \"no\"", "\"say \"\"no\"\"\"");
	check(escape_csv, "two\nlines", "\"two\nlines\"");
	check(escape_csv, "=cmd()", "\"'=cmd()\"");
	check(escape_csv, "+1", "\"'+1\"");
	check(escape_csv, "-1", "\"'-1\"");
	check(escape_csv, "@SUM(A1)", "\"'@SUM(A1)\"");
	check(escape_csv, "  =1", "\"'  =1\"");
	check(escape_csv, "\t=1", "\"'?=1\"");
	check(escape_csv, "\u202e=1", "\"?=1\"");
	check(escape_csv, "\uff1d1", "\"'\uff1d1\"");
	check(escape_csv, "a=b", "\"a=b\"");
	check(escape_csv, NULL, "\"\"");
	check(escape_csv, "", "\"\"");
}

static void markdown(void **state)
{
	(void)state;
	check(escape_markdown, "a|b\nc", "a&#124;b c");
	check(escape_markdown, "<img src=x>", "&#60;img src=x&#62;");
	check(escape_markdown, "[a](b) ![c]", "\\[a\\]\\(b\\) \\!\\[c\\]");
	check(escape_markdown, "*b* _i_ `c`", "\\*b\\* \\_i\\_ &#96;c&#96;");
	check(escape_markdown, "@all anna@admin1 a: b.c", "@<!-- -->all anna@admin1 a: b.c");
	check(escape_markdown, "http://x.y WWW.x.y", "http&#58;//x.y WWW&#46;x.y");
	check(escape_markdown, "# h #12", "\\# h \\#<!-- -->12");
	check(escape_markdown, "- l", "&#45; l");
	check(escape_markdown, "&lt;", "&#38;lt;");
	check(escape_markdown, NULL, "\u2013");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(html),
		cmocka_unit_test(script),
		cmocka_unit_test(csv),
		cmocka_unit_test(markdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
