/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A master's part in ZooKeeper: it contends with a node of its own, below which the replicated log's replica is named
 * too, and it watches who leads. A master that led and leads no more ends, as the real one does: what it knows may be
 * behind, and whoever starts it again has a follower.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/core/detector.h"
#include "lab/core/zookeeper.h"
#include "lab/master/master.h"
#include "mesos/pb.h"

struct election {
	struct master *master;
	char *address, *path;
	int64_t session_ms;
	struct zookeeper *candidacy; /* whose session holds the nodes */
	struct timer *timer;         /* contends again */
	struct detector *detector;
	bool joined;
};

/* ---- contending */

static void on_replica(void *ctx, const struct zookeeper_answer *answer)
{
	(void)ctx;
	if (answer->code != ZOOKEEPER_OK && answer->code != ZOOKEEPER_LOST)
		log_warning("cannot name the log's replica in ZooKeeper: error %d", answer->code);
}

static void on_replicas(void *ctx, const struct zookeeper_answer *answer)
{
	struct election *election = ctx;
	const struct master *master = election->master;
	if (answer->code != ZOOKEEPER_OK && answer->code != ZOOKEEPER_NODE_EXISTS)
		return;
	char *path = xasprintf("%s/log_replicas/", election->path);
	char *pid = xasprintf("log-replica(1)@%s:%d", master->ip, master->port);
	zookeeper_create(election->candidacy, path, pid, true, on_replica);
	free(pid);
	free(path);
}

static void on_joined(void *ctx, const struct zookeeper_answer *answer)
{
	struct election *election = ctx;
	if (answer->code != ZOOKEEPER_OK)
		return; /* lost: tried again when connected */
	election->joined = true;
	log_info("New candidate (id='%s') has entered the contest for leadership", answer->text);
	char *path = xasprintf("%s/log_replicas", election->path);
	zookeeper_create(election->candidacy, path, "", false, on_replicas);
	free(path);
}

static void on_group(void *ctx, const struct zookeeper_answer *answer)
{
	struct election *election = ctx;
	if (answer->code != ZOOKEEPER_OK && answer->code != ZOOKEEPER_NODE_EXISTS)
		return;
	Mesos__MasterInfo *info = master_info(election->master);
	json_t *json = pb_to_json(info);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	char *path = xasprintf("%s/" DETECTOR_NODE, election->path);
	zookeeper_create(election->candidacy, path, text, true, on_joined);
	free(path);
	free(text);
	json_decref(json);
	pb_free(info);
}

static void on_connected(void *ctx)
{
	struct election *election = ctx;
	if (!election->joined)
		zookeeper_create(election->candidacy, election->path, "", false, on_group);
}

static void on_nothing(void *ctx)
{
	(void)ctx;
}

static void on_expired(void *ctx)
{
	struct election *election = ctx;
	election->joined = false;
	if (election->master->elected) {
		master_give_up(election->master, "Lost candidacy as a leader... committing suicide!");
		return;
	}
	log_info("Lost candidacy as a follower... Contend again");
	timer_set(election->timer, 0);
}

static const struct zookeeper_ops ops = {.connected = on_connected, .changed = on_nothing, .expired = on_expired};

static void contend(void *ctx)
{
	struct election *election = ctx;
	zookeeper_free(election->candidacy);
	election->candidacy = zookeeper_new(election->master->events, election->address, election->session_ms, &ops,
					    election);
}

/* ---- watching */

static void led_by(struct master *master, Mesos__MasterInfo *leader)
{
	struct error err = ERROR_INIT;
	bool was_elected = master->elected, is_self = leader != NULL && strcmp(leader->id, master->id) == 0;
	pb_free(master->leader);
	master->leader = leader;
	if (is_self && !was_elected) {
		log_info("Elected as the leading master!");
		if (master_lead(master, &err) < 0)
			master_give_up(master, err.text);
	} else if (leader != NULL && !is_self) {
		log_info("The newly elected leader is %s with id %s", leader->pid, leader->id);
		if (was_elected)
			master_give_up(master, "Conceded leadership to another master... committing suicide!");
	} else if (leader == NULL) {
		log_info("No master was elected.");
		if (was_elected)
			master_give_up(master, "Lost leadership after indecisive election... committing suicide!");
	}
}

static void on_leader(void *ctx, const json_t *json)
{
	struct election *election = ctx;
	struct error err = ERROR_INIT;
	Mesos__MasterInfo *info = json != NULL ? pb_from_json(&mesos__master_info__descriptor, json, &err) : NULL;
	if (json != NULL && info == NULL)
		log_warning("the leader's node in ZooKeeper cannot be read: %s", err.text);
	led_by(election->master, info);
	/* One that is to have no domain is no first leader: the lab's agents could not register. */
	if (info != NULL && election->candidacy == NULL)
		timer_set(election->timer, 0);
}

struct election *election_new(struct master *master, struct error *err)
{
	struct election *election = xcalloc(1, sizeof(*election));
	char *url = lab_master_flag(master->lab);
	(void)err;
	*election = (struct election){.master = master, .session_ms = detector_session_ms(master->lab->time_scale)};
	detector_split(url, &election->address, &election->path);
	election->timer = timer_new(master->events, contend, election);
	if (master->domain != NULL)
		contend(election);
	election->detector = detector_new(master->events, url, election->session_ms, on_leader, election);
	free(url);
	return election;
}

void election_withdraw(struct election *election)
{
	if (election == NULL)
		return;
	if (election->candidacy != NULL)
		zookeeper_end(election->candidacy);
	timer_set(election->timer, -1);
}

void election_free(struct election *election)
{
	if (election == NULL)
		return;
	zookeeper_free(election->candidacy);
	detector_free(election->detector);
	timer_free(election->timer);
	free(election->address);
	free(election->path);
	free(election);
}
