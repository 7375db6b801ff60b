/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/event_query.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/suggest.h"
#include "orchestrator/audit/sentence.h"
#include "orchestrator/ledger/ledger_backend.h"

/* Room beside the selector's own text. */
#define SQL_MAX 2000000

struct statement_draft {
	struct buffer sql;
	struct store_value *values; /* borrowed texts */
	size_t count;
};

static void add_text(struct statement_draft *draft, const char *condition, const char *text)
{
	/* The condition names its parameter as often as it likes. */
	draft->values[draft->count++] = (struct store_value){.type = STORE_TEXT, .text = text};
	buffer_puts(&draft->sql, " AND (");
	for (const char *at = condition; *at; at++)
		if (*at == '?')
			buffer_printf(&draft->sql, "?%zu", draft->count);
		else
			buffer_putc(&draft->sql, *at);
	buffer_puts(&draft->sql, ")");
}

static void add_number(struct statement_draft *draft, const char *comparison, int64_t number)
{
	draft->values[draft->count++] = (struct store_value){.type = STORE_INT, .integer = number};
	buffer_printf(&draft->sql, " AND %s ?%zu", comparison, draft->count);
}

/* Events of an agent that the inventory has forgotten, or has not seen yet, are found by its ID. */
#define OF_AGENT                                                                                                       \
	"e.agent = ? OR e.agent IN (SELECT a.id FROM agents a WHERE a.hostname = ? OR substr(a.id, 1, length(?)) = ?)" \
	" OR e.agent IN (SELECT a.id FROM agent_states s JOIN agents a ON a.row = s.agent WHERE s.hostname = ?)"

static void write_statement(struct statement_draft *draft, const struct event_filter *filter)
{
	size_t count = 0;
	const struct store_value *values = filter->where ? selector_values(filter->where, &count) : NULL;

	draft->values = xcalloc(count + 8, sizeof(*draft->values));
	draft->count = count;
	if (count)
		memcpy(draft->values, values, count * sizeof(*values));
	buffer_puts(&draft->sql, "SELECT e.seq, e.time_ms, e.actor, e.run, e.agent, e.kind, e.body, e.hash, "
				 "(SELECT a.hostname FROM agents a WHERE a.cluster IN (SELECT c.id FROM clusters c) "
				 "AND a.id = e.agent LIMIT 1), "
				 "(SELECT p.hash FROM events p WHERE p.seq = e.seq - 1) FROM events e WHERE ");
	buffer_printf(&draft->sql, "(%s)", filter->where ? selector_sql(filter->where) : "1");
	if (filter->run)
		add_text(draft, "e.run = ?", filter->run);
	if (filter->agent)
		add_text(draft, OF_AGENT, filter->agent);
	if (filter->kind)
		add_text(draft, "e.kind = ? OR substr(e.kind, 1, length(?) + 1) = ? || '.'", filter->kind);
	if (filter->since_ms)
		add_number(draft, "e.time_ms >=", filter->since_ms);
	if (filter->until_ms)
		add_number(draft, "e.time_ms <=", filter->until_ms);
	if (filter->after)
		add_number(draft, "e.seq >", filter->after);
	buffer_puts(&draft->sql, " ORDER BY e.seq");
}

struct visiting {
	struct store_cursor rows;
	int (*visit)(void *ctx, const struct event_row *row, struct error *err);
	void *ctx;
};

static int visit_entry(void *ctx, const struct ledger_entry *entry, struct error *err)
{
	struct visiting *visiting = ctx;
	const struct event_row row = {.entry = *entry,
				      .hostname = store_text(&visiting->rows, 8),
				      .previous = store_text(&visiting->rows, 9)};

	return visiting->visit(visiting->ctx, &row, err);
}

int event_query(struct store *store, const struct event_filter *filter,
		int (*visit)(void *ctx, const struct event_row *row, struct error *err), void *ctx, struct error *err)
{
	struct statement_draft draft = {.sql = BUFFER_INIT(SQL_MAX)};
	struct visiting visiting = {.visit = visit, .ctx = ctx};
	int result;

	write_statement(&draft, filter);
	result = store_query_values(store, &visiting.rows, err, buffer_text(&draft.sql), draft.values, draft.count);
	if (result == 0) {
		result = ledger_visit_rows(&visiting.rows, visit_entry, &visiting, err);
		store_done(&visiting.rows);
	}
	buffer_clear(&draft.sql);
	free(draft.values);
	return result;
}

/* ---- names */

static int find_near(struct store *store, const char *agent, char **near, struct error *err)
{
	struct suggestion suggestion = {.word = agent};
	struct store_cursor rows;
	int more;

	*near = NULL;
	if (store_query(store, &rows, err, "SELECT DISTINCT hostname FROM agents", "") < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		suggestion_offer(&suggestion, store_text(&rows, 0));
		/* A row's text does not outlive it. */
		if (suggestion.closest == store_text(&rows, 0)) {
			free(*near);
			suggestion.closest = *near = xstrdup(suggestion.closest);
		}
	}
	store_done(&rows);
	if (more == 0)
		return 0;
	free(*near);
	*near = NULL;
	return -1;
}

int event_agent_is_known(struct store *store, const char *agent, char **near, struct error *err)
{
	int64_t known = 0;

	if (store_find_int(
		    store, &known, err,
		    "SELECT EXISTS (SELECT 1 FROM agents WHERE hostname = ?1 OR substr(id, 1, length(?1)) = ?1) OR "
		    "EXISTS (SELECT 1 FROM agent_states WHERE hostname = ?1) OR "
		    "EXISTS (SELECT 1 FROM events WHERE agent = ?1)",
		    "t", agent) < 0)
		return -1;
	if (known)
		return 1;
	return find_near(store, agent, near, err);
}

int event_kind_is_known(struct store *store, const char *kind, struct error *err)
{
	int64_t known = 0;

	if (event_kind_has_sentence(kind))
		return 1;
	if (store_find_int(
		    store, &known, err,
		    "SELECT EXISTS (SELECT 1 FROM events WHERE kind = ?1 OR substr(kind, 1, length(?1) + 1) = ?1 || '.')",
		    "t", kind) < 0)
		return -1;
	return known != 0;
}
