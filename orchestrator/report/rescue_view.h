/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_RESCUE_VIEW_H
#define ORCHESTRATOR_REPORT_RESCUE_VIEW_H
/* A rescue as its readers need it. It has no rows of its own: all of this is from its events. */
#include <jansson.h>

#include "base/buffer.h"
#include "orchestrator/report/run_view.h"

struct rescued_host {
	char *agent_id,
		*hostname; /* hostname: as its intent has it; of older ones, as the inventory does; else the ID */
	char *act;         /* "rescue" or "settle" */
	char *change;      /* what gives way to what, with its values; NULL: not recorded, or nothing */
	char *gives_way;   /* "checkpoint" or "flags"; NULL: the same */
	json_t *changes;   /* of the SlaveInfo, as in schema/rescue.schema.json; NULL: the same */
	char *operation;
	const char *end; /* "done", "failed", "unknown": nobody knows, "pending": it has not ended, "refused": nothing
			      * could be done there; a literal */
	char *said;      /* the host's last word; NULL: none */
	bool judged, proven; /* a proof was taken; it passed */
	char *id_after;      /* as the master shows it; NULL: it does not */
	int64_t tasks, tasks_running;
	int64_t from_ms, until_ms; /* wall clock; until its last event */
};

struct rescue_step {
	int64_t time_ms;
	char *hostname; /* NULL: of the rescue as a whole */
	char *text;
};

struct rescue_view {
	char *cluster, *where, *proposal, *actor;
	int64_t begun_ms, last_ms;
	struct rescued_host *hosts; /* in the order in which they were begun */
	size_t count;
	struct rescue_step *steps;
	size_t step_count;
};

/* Is that the ID of a rescue ("rescue-6adbd6563dec")? */
bool rescue_is_name(const char *name);
/* view->rescue is set, and of the view itself what every report needs: ID, actor, head, moment. ERROR_USAGE: there is none of that name. */
int rescue_view_load(struct store *store, const char *name, int64_t now_ms, struct run_view *out, struct error *err);
void rescue_view_free(struct rescue_view *rescue);
/* How many of its hosts' agents are proven to run again. */
size_t rescue_view_done(const struct rescue_view *rescue);

/* For every format alike. The first three are the caller's; of act and change in words, "2 of 3 run" or "not known". */
char *rescue_verdict(const struct rescue_view *rescue);
char *rescued_host_act(const struct rescued_host *host);
char *rescued_host_tasks(const struct rescued_host *host);
const char *rescued_where(const struct rescue_view *rescue); /* what the agents were chosen by */
bool rescued_host_is_done(const struct rescued_host *host);
const char *rescued_host_end(const struct rescued_host *host); /* "done", "NOT proven", "failed"… */
const char *rescued_host_id(const struct rescued_host *host);  /* "same", "NEW" or "-" */

/* Each is a whole document but for the mark. schema/audit-rescue.schema.json. */
void rescue_report_text(const struct run_view *view, FILE *stream);
void rescue_report_markdown(const struct run_view *view, struct buffer *out);
json_t *rescue_report_json(const struct run_view *view);
/* One line per host. What a rollout's has too has the same name. */
void rescue_report_csv(const struct run_view *view, struct buffer *out);

#endif
