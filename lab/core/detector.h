/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CORE_DETECTOR_H
#define LAB_CORE_DETECTOR_H
/* Who leads: the master whose node json.info_<sequence> has the lowest sequence below a path in ZooKeeper. */
#include <jansson.h>
#include <stdbool.h>

#include "lab/core/events.h"

#define DETECTOR_NODE "json.info_" /* what follows is ZooKeeper's sequence, ten digits */

/* ZooKeeper's own session must not run out only because a machine is busy: never less than this, whatever the scale. */
#define DETECTOR_SESSION_MS     10000
#define DETECTOR_SESSION_MIN_MS 4000

struct detector;
/* info: the leader's MasterInfo as JSON, borrowed for the call; NULL: nobody leads, or ZooKeeper cannot be asked. Called
 * when that changes, never from inside detector_new. url: "zk://127.0.0.1:2181/mesos". */
typedef void detector_changed(void *ctx, const json_t *info);
struct detector *detector_new(struct events *events, const char *url, int64_t session_ms, detector_changed *changed,
			      void *ctx);
void detector_free(struct detector *detector); /* NULL is fine */

bool detector_is_url(const char *text); /* "zk://…" */
/* "127.0.0.1:2181" and "/mesos" of a URL; the caller frees both. */
void detector_split(const char *url, char **address, char **path);
int64_t detector_session_ms(double time_scale);

#endif
