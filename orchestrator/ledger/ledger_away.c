/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/ledger/ledger_away.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "orchestrator/engine/engine.h"

/* Enough for a good median, and the newest ones know best. */
#define LOOKED_AT 1000

struct times {
	int64_t *items;
	size_t count;
	char *run; /* of the last row */
	int runs;
};

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void add(struct times *times, const char *run, int64_t ms)
{
	if (!times->run || strcmp(times->run, run) != 0) {
		times->runs++;
		free(times->run);
		times->run = xstrdup(run);
	}
	times->items[times->count++] = ms;
}

static int read_times(struct store *store, const char *cluster, struct times *times, struct error *err)
{
	struct store_cursor rows;
	int more;

	if (store_query(
		    store, &rows, err,
		    "SELECT a.run, a.away_until_ms - a.away_from_ms FROM runs r JOIN plans p ON p.hash = r.plan "
		    "JOIN run_agents a ON a.run = r.id WHERE p.cluster = ?1 AND a.state = ?2 AND a.away_from_ms > 0 "
		    "AND a.away_until_ms >= a.away_from_ms ORDER BY r.created_ms DESC, r.id, a.position LIMIT ?3",
		    "ttd", cluster, agent_state_name(AGENT_DONE), LOOKED_AT) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0)
		add(times, store_text(&rows, 0), store_int(&rows, 1));
	store_done(&rows);
	return more;
}

int ledger_past_away(struct store *store, const char *cluster, struct ledger_away *out, struct error *err)
{
	struct times times = {.items = xcalloc(LOOKED_AT, sizeof(int64_t))};
	int result = read_times(store, cluster, &times, err);

	if (result == 0) {
		*out = (struct ledger_away){.agents = (int)times.count, .runs = times.runs};
		qsort(times.items, times.count, sizeof(*times.items), compare);
		if (times.count > 0) {
			out->median_ms = times.items[times.count / 2];
			out->longest_ms = times.items[times.count - 1];
		}
	}
	free(times.items);
	free(times.run);
	return result;
}
