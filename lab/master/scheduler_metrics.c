/* SPDX-License-Identifier: Apache-2.0 */
/* What schedulers have asked and were told, for /metrics/snapshot: of each, and of all of them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lab/master/metrics.h"
#include "lab/master/scheduler.h"
#include "mesos/pb.h"

#define NAME_MAX_LEN 64

/* The enum's name of it, as metrics have it: in lower case. */
static void lower_name(const ProtobufCEnumDescriptor *descriptor, size_t value, char out[NAME_MAX_LEN])
{
	const char *name = pb_enum_name(descriptor, (int)value);
	snprintf(out, NAME_MAX_LEN, "%s", name != NULL ? name : "");
	for (char *at = out; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
}

/* PREFIX/KIND/NAME of each, and PREFIX/KIND of all. */
static void put_kinds(json_t *metrics, const char *prefix, const char *kind, const int64_t *counts, size_t count,
		      const ProtobufCEnumDescriptor *descriptor)
{
	char name[NAME_MAX_LEN];
	double all = 0;
	for (size_t i = 0; i < count; i++) {
		lower_name(descriptor, i, name);
		if (counts[i] != 0)
			metrics_put(metrics, (double)counts[i], "%s%s/%s", prefix, kind, name);
		all += (double)counts[i];
	}
	metrics_put(metrics, all, "%s%s", prefix, kind);
}

static void put_own(const struct scheduler *scheduler, json_t *metrics)
{
	const struct scheduler_counts *counts = &scheduler->counts;
	char prefix[METRICS_PREFIX_MAX];
	metrics_framework_prefix(scheduler->framework, prefix);
	put_kinds(metrics, prefix, "calls", counts->calls, SCHEDULER_CALLS, &mesos__scheduler__call__type__descriptor);
	put_kinds(metrics, prefix, "events", counts->events, SCHEDULER_EVENTS,
		  &mesos__scheduler__event__type__descriptor);
	put_kinds(metrics, prefix, "operations", counts->operations, SCHEDULER_OPERATIONS,
		  &mesos__scheduler__offer__operation__type__descriptor);
	metrics_put(metrics, (double)counts->sent, "%soffers/sent", prefix);
	metrics_put(metrics, (double)counts->accepted, "%soffers/accepted", prefix);
	metrics_put(metrics, (double)counts->declined, "%soffers/declined", prefix);
	metrics_put(metrics, (double)counts->rescinded, "%soffers/rescinded", prefix);
}

static void add(struct scheduler_counts *sum, const struct scheduler_counts *own)
{
	for (size_t i = 0; i < SCHEDULER_CALLS; i++)
		sum->calls[i] += own->calls[i];
	for (size_t i = 0; i < SCHEDULER_OPERATIONS; i++)
		sum->wrong_operations[i] += own->wrong_operations[i];
	sum->resubscribed += own->resubscribed;
	sum->empty += own->empty;
}

static double call_count(const struct scheduler_counts *sum, Mesos__Scheduler__Call__Type type)
{
	return (double)sum->calls[type];
}

static void put_all(const struct scheduler_counts *sum, json_t *metrics)
{
	double again = (double)sum->resubscribed;
	metrics_put(metrics, call_count(sum, MESOS__SCHEDULER__CALL__TYPE__SUBSCRIBE) - again,
		    "master/messages_register_framework");
	metrics_put(metrics, again, "master/messages_reregister_framework");
	metrics_put(metrics, call_count(sum, MESOS__SCHEDULER__CALL__TYPE__TEARDOWN),
		    "master/messages_unregister_framework");
	metrics_put(metrics, call_count(sum, MESOS__SCHEDULER__CALL__TYPE__DECLINE) + (double)sum->empty,
		    "master/messages_decline_offers");
	metrics_put(metrics, call_count(sum, MESOS__SCHEDULER__CALL__TYPE__KILL), "master/messages_kill_task");
	metrics_put(metrics, call_count(sum, MESOS__SCHEDULER__CALL__TYPE__RECONCILE),
		    "master/messages_reconcile_tasks");
	metrics_put(metrics, call_count(sum, MESOS__SCHEDULER__CALL__TYPE__REVIVE), "master/messages_revive_offers");
	metrics_put(metrics, call_count(sum, MESOS__SCHEDULER__CALL__TYPE__SUPPRESS),
		    "master/messages_suppress_offers");
}

/* Operations that were not valid: to those that were, which are there already. */
static void add_errors(const struct scheduler_counts *sum, json_t *metrics)
{
	char name[NAME_MAX_LEN], key[2 * NAME_MAX_LEN];
	double all = 0;
	for (size_t i = 0; i < SCHEDULER_OPERATIONS; i++) {
		double wrong = (double)sum->wrong_operations[i];
		lower_name(&mesos__scheduler__offer__operation__type__descriptor, i, name);
		if (wrong <= 0)
			continue;
		snprintf(key, sizeof(key), "master/operations/%s/total", name);
		metrics_put(metrics, wrong, "master/operations/%s/error", name);
		metrics_put(metrics, json_number_value(json_object_get(metrics, key)) + wrong, "%s", key);
		all += wrong;
	}
	metrics_put(metrics, all, "master/operations/error");
	metrics_put(metrics, json_number_value(json_object_get(metrics, "master/operations/total")) + all,
		    "master/operations/total");
}

bool scheduler_is_there(const struct master_framework *framework)
{
	return framework->scheduler != NULL && framework->scheduler->stream != NULL;
}

/* Those that are away, and those that are gone for good and count no more. */
static void put_frameworks(const struct master *master, json_t *metrics)
{
	double here = 0, away = 0;
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		bool subscribed = framework->scheduler == NULL || scheduler_is_there(framework);
		here += subscribed && !framework->completed;
		away += !subscribed && !framework->completed;
	}
	metrics_put(metrics, here, "master/frameworks_active");
	metrics_put(metrics, here, "master/frameworks_connected");
	metrics_put(metrics, away, "master/frameworks_inactive");
	metrics_put(metrics, away, "master/frameworks_disconnected");
}

void scheduler_put_metrics(const struct master *master, json_t *metrics)
{
	struct scheduler_counts sum = {.empty = 0};
	double offers = 0;
	const struct allocator_offer *offer = master->allocator != NULL ? allocator_offers(master->allocator) : NULL;
	for (; offer != NULL; offer = offer->next)
		offers++;
	for (const struct master_framework *framework = master->frameworks; framework != NULL;
	     framework = framework->next) {
		if (framework->scheduler == NULL)
			continue;
		put_own(framework->scheduler, metrics);
		add(&sum, &framework->scheduler->counts);
	}
	metrics_put(metrics, offers, "master/outstanding_offers");
	put_all(&sum, metrics);
	add_errors(&sum, metrics);
	put_frameworks(master, metrics);
}
