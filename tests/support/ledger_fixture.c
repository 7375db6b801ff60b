/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/ledger_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/cmocka.h"

int ledger_set_up(void **state)
{
	struct ledger_fixture *fixture = calloc(1, sizeof(*fixture));
	struct error err = ERROR_INIT;
	const char *tmp = getenv("TMPDIR");
	snprintf(fixture->dir, sizeof(fixture->dir), "%.40s/ledger-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(fixture->dir));
	fixture->path = path_join(fixture->dir, "rollcall.db");
	fixture->store = store_open(fixture->path, true, &err);
	assert_non_null(fixture->store);
	fixture->ledger = ledger_open(fixture->store, "tester@here", &err);
	assert_non_null(fixture->ledger);
	*state = fixture;
	return 0;
}

int ledger_tear_down(void **state)
{
	struct ledger_fixture *fixture = *state;
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	ledger_close(fixture->ledger);
	store_close(fixture->store);
	for (size_t i = 0; i < 3; i++) {
		char *path = xasprintf("%s%s", fixture->path, suffixes[i]);
		unlink(path);
		free(path);
	}
	rmdir(fixture->dir);
	free(fixture->path);
	free(fixture);
	return 0;
}

const struct plan_row a_plan = {
	.hash = (char *)(uintptr_t) "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
	.cluster = (char *)(uintptr_t) "lab",
	.config = (char *)(uintptr_t) "web",
	.config_version = 3,
	.author = (char *)(uintptr_t) "tester",
	.created_ms = 17,
	.agents = 2,
	.document = (char *)(uintptr_t) "{}",
	.document_len = 2};

const struct run_row a_run = {
	.id = (char *)(uintptr_t) "r-20261123-1",
	.plan = (char *)(uintptr_t) "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
	.state = (char *)(uintptr_t) "running",
	.created_ms = 1000};

struct run_agent an_agent(int64_t position, const char *state)
{
	return (struct run_agent){.run = a_run.id,
				  .position = position,
				  .agent_id = (char *)(uintptr_t)(position == 0 ? "S0" : "S1"),
				  .hostname = (char *)(uintptr_t) "node.example.com",
				  .state = (char *)(uintptr_t)state,
				  .attempt = 1};
}

void start_a_run(struct ledger *ledger)
{
	struct error err = ERROR_INIT;
	struct run_agent first = an_agent(0, "waiting"), second = an_agent(1, "waiting");
	ledger_put_plan(ledger, &a_plan);
	ledger_put_run(ledger, &a_run);
	ledger_put_agent(ledger, &second);
	ledger_put_agent(ledger, &first);
	ledger_event(ledger, "run.created", a_run.id, NULL, json_pack("{s:s}", "plan", a_plan.hash));
	assert_int_equal(ledger_commit(ledger, &err), 0);
}

void write_events(struct ledger *ledger, int count)
{
	struct error err = ERROR_INIT;
	for (int i = 0; i < count; i++)
		ledger_event(ledger, "note", NULL, "S7", json_pack("{s:i}", "i", i));
	assert_int_equal(ledger_commit(ledger, &err), 0);
}
