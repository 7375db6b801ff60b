/* SPDX-License-Identifier: Apache-2.0 */
/* What receivers may be, how what is posted is signed, when it is tried again, and what an agent's change is. */
#include <stdlib.h>

#include "orchestrator/outgoing/changed.h"
#include "orchestrator/outgoing/message.h"
#include "orchestrator/outgoing/receivers.h"
#include "orchestrator/outgoing/request.h"
#include "orchestrator/outgoing/sender.h"
#include "tests/support/cmocka.h"

static void good_urls(void **state)
{
	static const char *const urls[] = {"http://127.0.0.1:8080/hook", "https://ops.example.com", "HTTP://h/a=b@c",
					   "http://[::1]:80/x", "https://10.0.0.1/a%20b"};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		assert_ok(receiver_check_url(urls[i], &err), &err);
}

static void bad_urls(void **state)
{
	static const struct {
		const char *url, *words;
	} bad[] = {
		{"", "only http"},
		{"ops.example.com/hook", "only http"},
		{"file:///etc/passwd", "only http"},
		{"ftp://h/", "only http"},
		{"http://", "no host"},
		{"http:///path", "no host"},
		{"http://:80/", "no host"},
		{"http://h:99999/", "no host and port"},
		{"http://h:0/", "no host and port"},
		{"http://h:8x/", "no host and port"},
		{"http://h:/", "no host and port"},
		{"http://[::1/", "no host"},
		{"http://h/a b", "blanks"},
		{"http://h/\r\nX: y", "blanks"},
		{"http://h/\xc3\xa4", "blanks"},
		{"http://h/#part", "never sent"},
		{"http://h\\@x/", "user or password"},
		{"https://anna:hush@h/", "user or password"},
		{"https://anna@h/", "user or password"},
		{"https://h/?token=hush", "--url-file"},
		{"https://h?hush", "--url-file"},
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(receiver_check_url(bad[i].url, &err), -1);
		assert_null(strstr(err.text, "hush"));
		assert_error(&err, ERROR_USAGE, bad[i].words);
	}
}

/* What is stored of older receivers, and what may be in messages. */
static void shown_urls(void **state)
{
	static const char *const shown[][2] = {{"http://h:1/a", "http://h:1/a"},
					       {"https://anna:hush@h/?token=hush", "https://h/?…"},
					       {"file:/etc/hook", "file:/etc/hook"}};

	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		char *text = receiver_shown_url(shown[i][0]);

		assert_string_equal(text, shown[i][1]);
		free(text);
	}
}

static void names_and_kinds(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(receiver_check_name("on-call.2_A", &err), &err);
	assert_int_equal(receiver_check_name("", &err), -1);
	assert_error(&err, ERROR_USAGE, "no name");
	assert_int_equal(receiver_check_name("a b", &err), -1);
	assert_error(&err, ERROR_USAGE, "no name");
	assert_ok(receiver_check_kinds("rollout.paused,rollout.failed", &err), &err);
	assert_int_equal(receiver_check_kinds("rollout.paused,", &err), -1);
	assert_error(&err, ERROR_USAGE, "rollout.rolled_back");
	assert_int_equal(receiver_check_kinds("rollout.pause", &err), -1);
	assert_error(&err, ERROR_USAGE, "the kinds of events");
}

/* Worked out with `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key`. */
static void a_signature_covers_time_and_body(void **state)
{
	char text[SIGNATURE_MAX], other[SIGNATURE_MAX];

	(void)state;
	message_sign("key", INT64_C(1700000000999), "{\"a\":1}", 7, text);
	assert_string_equal(text, "t=1700000000,v1=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
	message_sign("key", INT64_C(1700000001000), "{\"a\":1}", 7, other);
	assert_string_not_equal(strstr(text, "v1="), strstr(other, "v1="));
}

static void delays_double_up_to_a_bound(void **state)
{
	(void)state;
	assert_int_equal(sender_delay_ms(1, false, 0), 500);
	assert_in_range(sender_delay_ms(1, false, UINT32_MAX), 500, 1000);
	assert_int_equal(sender_delay_ms(2, false, 0), 1000);
	assert_int_equal(sender_delay_ms(5, false, 0), 8000);
	assert_int_equal(sender_delay_ms(1000, false, 0), 150000);
	assert_in_range(sender_delay_ms(INT64_MAX, false, 12345), 150000, 300000);
	assert_in_range(sender_delay_ms(1, true, 99), 1800000, 3600000);
}

/* ---- what has changed */

static json_t *changed(const char *attribute, bool reverted)
{
	struct error err = ERROR_INIT;
	json_t *before_json = json_pack("{s:s, s:{s:s}}", "hostname", "node1", "id", "value", "S0");
	json_t *after_json = json_pack("{s:s, s:{s:s}, s:[{s:s, s:s, s:{s:s}}]}", "hostname", "node1", "id", "value",
				       "S0", "attributes", "name", "rack", "type", "TEXT", "text", "value", attribute);
	Mesos__SlaveInfo *before = slaveinfo_from_json(before_json, &err);
	Mesos__SlaveInfo *after = slaveinfo_from_json(attribute[0] ? after_json : before_json, &err);
	struct task_view tasks[] = {
		{.id = (char *)(uintptr_t) "t1",
		 .name = (char *)(uintptr_t) "web",
		 .framework_id = (char *)(uintptr_t) "F1",
		 .agent_id = (char *)(uintptr_t) "S0",
		 .state = (char *)(uintptr_t) "TASK_RUNNING"},
		{.id = (char *)(uintptr_t) "t2",
		 .name = (char *)(uintptr_t) "web",
		 .framework_id = (char *)(uintptr_t) "F1",
		 .agent_id = (char *)(uintptr_t) "S0",
		 .state = (char *)(uintptr_t) "TASK_STAGING"},
		{.id = (char *)(uintptr_t) "t3",
		 .name = (char *)(uintptr_t) "web",
		 .framework_id = (char *)(uintptr_t) "F1",
		 .agent_id = (char *)(uintptr_t) "S1",
		 .state = (char *)(uintptr_t) "TASK_RUNNING"},
	};
	struct framework_view framework = {.id = (char *)(uintptr_t) "F1",
					   .name = (char *)(uintptr_t) "marathon",
					   .role = (char *)(uintptr_t) "*"};
	const struct master_snapshot snapshot = {
		.tasks = tasks, .task_count = 3, .frameworks = &framework, .framework_count = 1};
	const struct changed_agent agent = {.cluster = "lab",
					    .agent_id = "S0",
					    .hostname = "node1",
					    .operation = "op",
					    .reverted = reverted,
					    .before = before,
					    .after = after};

	assert_non_null(before);
	assert_non_null(after);
	json_t *event = changed_agent_event(&agent, &snapshot);
	slaveinfo_free(before);
	slaveinfo_free(after);
	json_decref(before_json);
	json_decref(after_json);
	return event;
}

static void a_change_names_parts_and_running_tasks(void **state)
{
	json_t *event = changed("r7", false);

	(void)state;
	assert_non_null(event);
	assert_int_equal(json_array_size(json_object_get(event, "tasks")), 1);
	assert_int_equal(json_array_size(json_object_get(event, "frameworks")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(event, "changed"), 0)), "attributes");
	assert_string_equal(json_string_value(json_object_get(json_object_get(event, "slave_info"), "hostname")),
			    "node1");
	json_decref(event);
}

static void no_difference_is_no_event(void **state)
{
	(void)state;
	assert_null(changed("", false));
	json_t *undone = changed("", true);
	assert_non_null(undone);
	json_decref(undone);
}

/* Receivers repeat what they are asked: of those that hold a secret no word is kept. */
static void assert_refusal(const struct receiver *receiver, int status, const char *expected)
{
	struct http_answer answer = {.status = status, .body = BUFFER_INIT(100)};
	struct post_result result;

	buffer_puts(&answer.body, "Cannot POST /hooks/planted%2Dpath\r\nbye");
	post_result_of(receiver, &answer, &result);
	assert_false(result.delivered);
	assert_int_equal(result.gone, status == 410);
	assert_string_equal(result.why, expected);
	post_result_clear(&result);
	http_answer_clear(&answer);
}

static void words_of_a_receiver_that_knows_a_secret(void **state)
{
	static char plain[] = "http://h/x", file[] = RECEIVER_URL_FILE "/etc/x.url", secret[] = "/etc/x.key",
		    older[] = "http://h/x?planted", user[] = "http://planted@h/x";
	static const char silent[] = "it answered 404 (its words are not kept: they may repeat a secret)";
	const struct receiver hidden[] = {
		{.url = file}, {.url = plain, .secret_file = secret}, {.url = older}, {.url = user}};

	(void)state;
	assert_refusal(&(struct receiver){.url = plain}, 404, "it answered 404: Cannot POST /hooks/planted%2Dpath");
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		assert_refusal(&hidden[i], 404, silent);
	assert_refusal(&hidden[0], 410, "it answered 410 (its words are not kept: they may repeat a secret)");
}

/* What is kept of an answer is short; a secret that reaches beyond it is recognised all the same. */
static void a_secret_where_an_answer_is_cut(void **state)
{
	static char plain[] = "http://h/x";
	const struct receiver receiver = {.url = plain};

	(void)state;
	for (int blanks = 100; blanks < 180; blanks++) {
		struct http_answer answer = {.status = 500, .body = BUFFER_INIT(1000)};
		struct post_result result;

		buffer_printf(&answer.body, "no:%*s https://anna:planted@h1.example.com/x and no more", blanks, "");
		post_result_of(&receiver, &answer, &result);
		assert_null(strstr(result.why, "plan"));
		assert_true(strlen(result.why) <= 190);
		post_result_clear(&result);
		http_answer_clear(&answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_urls),
		cmocka_unit_test(bad_urls),
		cmocka_unit_test(shown_urls),
		cmocka_unit_test(names_and_kinds),
		cmocka_unit_test(a_signature_covers_time_and_body),
		cmocka_unit_test(delays_double_up_to_a_bound),
		cmocka_unit_test(a_change_names_parts_and_running_tasks),
		cmocka_unit_test(no_difference_is_no_event),
		cmocka_unit_test(words_of_a_receiver_that_knows_a_secret),
		cmocka_unit_test(a_secret_where_an_answer_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
