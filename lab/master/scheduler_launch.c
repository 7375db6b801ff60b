/* SPDX-License-Identifier: Apache-2.0 */
/* ACCEPT: what is launched with an offer, or with several of one agent; what is left of them goes back. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/master/scheduler.h"
#include "mesos/pb.h"
#include "mesos/resource.h"

struct acceptance {
	const struct scheduler_call *call;
	struct master_agent *agent; /* NULL: an offer is not valid */
	char *role;
	struct resources left;
	const char *wrong_id; /* the first offer that is not valid */
};

static void clear(struct acceptance *acceptance)
{
	resources_clear(&acceptance->left);
	free(acceptance->role);
}

static bool partition_aware(const struct scheduler *scheduler)
{
	return scheduler_has(scheduler->framework, MESOS__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE);
}

/* ---- offers */

static const struct allocator_offer *find_offer(const struct scheduler_call *call, const char *id)
{
	const struct allocator_offer *offer = allocator_find_offer(call->master->allocator,
								   scheduler_offer_number(call->master, id));
	bool own = offer != NULL && strcmp(offer->framework, call->scheduler->framework->info->id->value) == 0;
	return own ? offer : NULL;
}

static void take_offer(struct acceptance *acceptance, const char *id)
{
	const struct allocator_offer *offer = find_offer(acceptance->call, id);
	struct master_agent *agent = offer != NULL ? master_agent_find(acceptance->call->master, offer->agent) : NULL;
	bool fits = agent != NULL && (acceptance->agent == NULL || acceptance->agent == agent) &&
		    (acceptance->role == NULL || strcmp(acceptance->role, offer->role) == 0);
	if (!fits) {
		acceptance->wrong_id = acceptance->wrong_id != NULL ? acceptance->wrong_id : id;
		return;
	}
	acceptance->agent = agent;
	if (acceptance->role == NULL)
		acceptance->role = xstrdup(offer->role);
	resources_add(&acceptance->left, &offer->resources);
}

static void end_offers(const struct acceptance *acceptance)
{
	const struct scheduler_call *call = acceptance->call;
	const struct resources *refused = acceptance->left.count > 0 ? &acceptance->left : NULL;
	const json_t *item;
	size_t index;
	json_array_foreach(json_object_get(call->body, "offer_ids"), index, item)
	{
		const struct allocator_offer *offer = find_offer(call,
								 json_string_value(json_object_get(item, "value")));
		if (offer != NULL)
			allocator_end_offer(call->master->allocator, offer->number, refused,
					    scheduler_refused_until(call));
		refused = NULL; /* one filter is enough for all */
	}
}

/* ---- tasks */

static int read_resources(const json_t *list, const char *role, Mesos__Task *task, struct error *err)
{
	const json_t *item;
	size_t index;
	json_array_foreach(list, index, item)
	{
		Mesos__Resource *resource = pb_from_json(&mesos__resource__descriptor, item, err);
		int result = resource != NULL ? resource_validate(resource, err) : -1;
		if (result == 0 && resource_is_empty(resource))
			result = error_set(err, ERROR_USAGE, "Task uses nothing of %s", resource->name);
		if (result < 0) {
			pb_free(resource);
			return -1;
		}
		pb_free(resource->allocation_info);
		resource->allocation_info = pb_new(&mesos__resource__allocation_info__descriptor);
		resource->allocation_info->role = xstrdup(role);
		PB_APPEND(task->resources, task->n_resources, resource);
	}
	return task->n_resources > 0 ? 0 : error_set(err, ERROR_USAGE, "Task uses no resources");
}

static bool id_in_use(const struct master *master, const struct master_framework *framework, const char *task_id)
{
	for (const struct master_agent *agent = master->agents; agent != NULL; agent = agent->next) {
		for (const struct master_task *task = agent->tasks; task != NULL; task = task->next) {
			if (task->framework == framework && strcmp(task->task->task_id->value, task_id) == 0)
				return true;
		}
	}
	return false;
}

static int check_words(const struct acceptance *acceptance, const json_t *info, struct error *err)
{
	const struct scheduler_call *call = acceptance->call;
	const char *id = scheduler_value_of(info, "task_id");
	if (*id == '\0' || strchr(id, '/') != NULL || id[0] == '.')
		return error_set(err, ERROR_USAGE, "Task ID '%s' is empty or no file name", id);
	if (strcmp(scheduler_value_of(info, "agent_id"), acceptance->agent->id) != 0)
		return error_set(err, ERROR_USAGE, "Task is for agent %s, and the offer is of agent %s",
				 scheduler_value_of(info, "agent_id"), acceptance->agent->id);
	if (id_in_use(call->master, call->scheduler->framework, id))
		return error_set(err, ERROR_USAGE, "Task has duplicate ID: %s", id);
	return 0;
}

/* Takes what the task uses out of what is left of the offers. */
static int take_resources(struct acceptance *acceptance, const Mesos__Task *task, struct error *err)
{
	const struct resources given = {.items = task->resources, .count = task->n_resources};
	struct resources used = {.items = NULL};
	allocator_bare(&given, &used);
	bool fits = resources_contain(&acceptance->left, &used);
	for (size_t i = 0; i < used.count && fits; i++)
		resources_subtract(&acceptance->left, used.items[i]);
	resources_clear(&used);
	return fits ? 0 : error_set(err, ERROR_USAGE, "Task uses more resources than are available in the offers");
}

/* NULL with err when it is not valid. */
static Mesos__Task *read_task(struct acceptance *acceptance, const json_t *info, struct error *err)
{
	const char *name = json_string_value(json_object_get(info, "name"));
	if (check_words(acceptance, info, err) < 0)
		return NULL;
	Mesos__Task *task = master_task_make(acceptance->call->scheduler->framework, acceptance->agent,
					     name != NULL ? name : "");
	pb_set_string(&task->task_id->value, scheduler_value_of(info, "task_id"));
	if (read_resources(json_object_get(info, "resources"), acceptance->role, task, err) == 0 &&
	    take_resources(acceptance, task, err) == 0)
		return task;
	pb_free(task);
	return NULL;
}

static void launch(struct acceptance *acceptance, const json_t *info)
{
	const struct scheduler_call *call = acceptance->call;
	struct error err = ERROR_INIT;
	struct scheduler_word word = {.task_id = scheduler_value_of(info, "task_id"),
				      .agent_id = scheduler_value_of(info, "agent_id"),
				      .state = MESOS__TASK_STATE__TASK_ERROR,
				      .reason = MESOS__TASK_STATUS__REASON__REASON_TASK_INVALID};
	char *text = NULL;
	Mesos__Task *task = acceptance->agent != NULL ? read_task(acceptance, info, &err) : NULL;
	if (task != NULL) {
		master_task_launch(call->master, acceptance->agent, call->scheduler->framework, task);
		return;
	}
	if (acceptance->agent == NULL) {
		text = xasprintf("Offer %s is no longer valid", acceptance->wrong_id);
		word.state = partition_aware(call->scheduler) ? MESOS__TASK_STATE__TASK_DROPPED
							      : MESOS__TASK_STATE__TASK_LOST;
		word.reason = MESOS__TASK_STATUS__REASON__REASON_INVALID_OFFERS;
	}
	word.text = text != NULL ? text : err.text;
	scheduler_say(call->scheduler, &word);
	free(text);
}

static void launch_all(struct acceptance *acceptance)
{
	const json_t *operation, *info;
	size_t i, j;
	json_array_foreach(json_object_get(acceptance->call->body, "operations"), i, operation)
	{
		const json_t *tasks = json_object_get(json_object_get(operation, "launch"), "task_infos");
		json_array_foreach(tasks, j, info) launch(acceptance, info);
	}
}

/* ---- the call */

static bool refuse_operations(const struct scheduler_call *call)
{
	const json_t *operation;
	size_t index;
	json_array_foreach(json_object_get(call->body, "operations"), index, operation)
	{
		const char *type = json_string_value(json_object_get(operation, "type"));
		if (type == NULL || strcmp(type, "LAUNCH") != 0) {
			web_refuse(call->reply, 501, "The lab's master knows LAUNCH, and not the operation %s",
				   type != NULL ? type : "without a type");
			return true;
		}
	}
	return false;
}

void scheduler_accept(const struct scheduler_call *call)
{
	struct acceptance acceptance = {.call = call};
	const json_t *ids = json_object_get(call->body, "offer_ids"), *item;
	size_t index;
	if (refuse_operations(call))
		return;
	scheduler_settle(call->master); /* an offer that no longer fits is gone before it can be accepted */
	json_array_foreach(ids, index, item)
	{
		const char *id = json_string_value(json_object_get(item, "value"));
		take_offer(&acceptance, id != NULL ? id : "");
	}
	if (acceptance.wrong_id != NULL || acceptance.agent == NULL || acceptance.agent->link == NULL) {
		acceptance.agent = NULL;
		acceptance.wrong_id = acceptance.wrong_id != NULL ? acceptance.wrong_id : "of no ID";
		resources_clear(&acceptance.left);
	}
	launch_all(&acceptance);
	end_offers(&acceptance);
	scheduler_settle(call->master);
	clear(&acceptance);
}
