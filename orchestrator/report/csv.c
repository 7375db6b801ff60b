/* SPDX-License-Identifier: Apache-2.0 */
/* One line per agent, for spreadsheets and joins. docs/audit.md lists the columns. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/report/escape.h"
#include "orchestrator/report/outcome.h"
#include "orchestrator/report/reports.h"

static const char headings[] =
	"run,agent_id,hostname,zone,mechanism,state,proven,id_after,same_id,slave_info,away_from,away_until,away_"
	"seconds,"
	"tasks_kept,tasks_lost,tasks_unproven,tasks_ended,tasks_new,attempts,operation,error,next\r\n";

static void add_time(int64_t ms, struct buffer *out)
{
	char text[CLOCK_TEXT_MAX];

	buffer_putc(out, ',');
	escape_csv(out, ms ? clock_format(ms, text) : "");
}

static void add_text(const char *text, struct buffer *out)
{
	buffer_putc(out, ',');
	escape_csv(out, text);
}

static const char *info_word(const struct agent_result *agent)
{
	const json_t *line = agent_result_line(agent, "slave_info");
	const char *of = json_string_value(json_object_get(agent->proof, "of"));

	if (!line)
		return "";
	if (!json_is_true(json_object_get(line, "ok")))
		return "differs";
	return of && strcmp(of, "the planned state") == 0 ? "planned" : "before";
}

static const char *same_id_word(const struct agent_result *agent)
{
	if (!agent->id_after)
		return "";
	return strcmp(agent->id_after, agent->row->agent_id) == 0 ? "yes" : "no";
}

static void add_away(const struct agent_result *agent, struct buffer *out)
{
	add_time(agent->row->away_from_ms, out);
	add_time(agent->row->away_until_ms, out);
	if (agent->away_ms >= 0)
		buffer_printf(out, ",%.3f", (double)agent->away_ms / 1000);
	else
		buffer_putc(out, ',');
}

static void add_agent(const struct run_view *view, const struct agent_result *agent, struct buffer *out)
{
	char *next = next_steps(view, agent);

	escape_csv(out, view->run.id);
	add_text(agent->row->agent_id, out);
	add_text(agent->row->hostname, out);
	add_text(agent->planned->domain, out);
	add_text(mechanism_name(agent->planned->mechanism), out);
	add_text(agent->row->state, out);
	add_text(agent->proven ? "yes" : "no", out);
	add_text(agent->id_after, out);
	add_text(same_id_word(agent), out);
	add_text(info_word(agent), out);
	add_away(agent, out);
	buffer_printf(out, ",%zu,%zu,%zu,%zu,%zu,%lld", agent->kept, agent->lost, agent->unproven, agent->ended,
		      agent->appeared, (long long)agent->row->attempt);
	add_text(agent->row->operation, out);
	add_text(agent->row->error, out);
	add_text(next, out);
	buffer_puts(out, "\r\n");
	free(next);
}

void report_csv(const struct report_runs *runs, struct buffer *out)
{
	buffer_puts(out, headings);
	for (size_t i = 0; i < runs->count; i++)
		for (size_t j = 0; j < runs->views[i].count; j++)
			add_agent(&runs->views[i], &runs->views[i].agents[j], out);
}
