/* SPDX-License-Identifier: Apache-2.0 */
/* ACCEPT: what is done with an offer, or with several of one agent; what is left of them goes back. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lab/master/scheduler.h"
#include "mesos/pb.h"

typedef Mesos__Scheduler__Call__Accept accept_t;
typedef Mesos__Scheduler__Offer__Operation operation_t;

/* ---- offers */

static void take_offer(struct scheduler_acceptance *acceptance, const char *id)
{
	const struct allocator_offer *offer = scheduler_find_offer(acceptance->call, id);
	struct master_agent *agent = offer != NULL ? master_agent_find(acceptance->call->master, offer->agent) : NULL;
	if (acceptance->wrong != NULL)
		return;
	if (agent == NULL || agent->link == NULL) {
		acceptance->wrong = xasprintf("Offer %s is no longer valid", id);
		return;
	}
	if (acceptance->agent != NULL && (acceptance->agent != agent || strcmp(acceptance->role, offer->role) != 0)) {
		acceptance->wrong = xasprintf("Offer %s is of another agent or for another role than the one before it",
					      id);
		return;
	}
	acceptance->agent = agent;
	if (acceptance->role == NULL)
		acceptance->role = xstrdup(offer->role);
	resources_add(&acceptance->left, &offer->resources);
}

static bool is_repeated(const accept_t *what, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(what->offer_ids[i]->value, what->offer_ids[index]->value) == 0)
			return true;
	}
	return false;
}

static void take_offers(struct scheduler_acceptance *acceptance, const accept_t *what)
{
	if (what->n_offer_ids == 0)
		acceptance->wrong = xstrdup("No offers specified");
	for (size_t i = 0; i < what->n_offer_ids; i++) {
		if (is_repeated(what, i) && acceptance->wrong == NULL)
			acceptance->wrong = xasprintf("Duplicate offer %s in offer list", what->offer_ids[i]->value);
		take_offer(acceptance, what->offer_ids[i]->value);
	}
	if (acceptance->wrong == NULL)
		return;
	acceptance->agent = NULL;
	resources_clear(&acceptance->left);
}

static void end_offers(const struct scheduler_acceptance *acceptance, const accept_t *what)
{
	const struct scheduler_call *call = acceptance->call;
	const struct resources *refused = acceptance->left.count > 0 ? &acceptance->left : NULL;
	for (size_t i = 0; i < what->n_offer_ids; i++) {
		const struct allocator_offer *offer = scheduler_find_offer(call, what->offer_ids[i]->value);
		if (offer == NULL)
			continue;
		allocator_end_offer(call->master->allocator, offer->number, refused,
				    scheduler_refused_until(call->master, what->filters));
		refused = NULL; /* one filter is enough for all */
		call->scheduler->counts.accepted += what->n_operations > 0;
		call->scheduler->counts.declined += what->n_operations == 0;
	}
}

/* ---- operations */

struct change { /* an operation but a launch */
	enum master_operation kind;
	Mesos__Resource *const *resources;
	size_t count;
};

static bool read_change(const operation_t *operation, struct change *change)
{
	if (operation->reserve != NULL)
		*change = (struct change){OPERATION_RESERVE, operation->reserve->resources,
					  operation->reserve->n_resources};
	else if (operation->unreserve != NULL)
		*change = (struct change){OPERATION_UNRESERVE, operation->unreserve->resources,
					  operation->unreserve->n_resources};
	else if (operation->create != NULL)
		*change = (struct change){OPERATION_CREATE, operation->create->volumes, operation->create->n_volumes};
	else if (operation->destroy != NULL)
		*change = (struct change){OPERATION_DESTROY, operation->destroy->volumes,
					  operation->destroy->n_volumes};
	return change->resources != NULL;
}

/* A framework reserves for the role that it was offered the resources for, and for no other. */
static bool is_for_own_role(const struct scheduler_acceptance *acceptance, const struct change *change)
{
	for (size_t i = 0; i < change->count && change->kind == OPERATION_RESERVE; i++) {
		const Mesos__Resource *resource = change->resources[i];
		const char *role = resource->role;
		if (resource->n_reservations > 0)
			role = resource->reservations[resource->n_reservations - 1]->role;
		if (role != NULL && strcmp(role, acceptance->role) == 0)
			continue;
		log_warning("Dropping a RESERVE operation of framework %s: it was offered %s for role '%s' and not "
			    "for role '%s'",
			    acceptance->call->scheduler->framework->info->id->value, resource->name, acceptance->role,
			    role != NULL ? role : "");
		return false;
	}
	return true;
}

static void change(struct scheduler_acceptance *acceptance, const operation_t *operation)
{
	const struct scheduler_call *call = acceptance->call;
	struct change change = {.resources = NULL};
	bool good = acceptance->agent != NULL && read_change(operation, &change) &&
		    is_for_own_role(acceptance, &change) &&
		    operations_apply_offered(call->master, change.kind, acceptance->agent, change.resources,
					     change.count, &acceptance->left);
	if (good)
		call->scheduler->counts.operations[operation->type]++;
	else
		call->scheduler->counts.wrong_operations[operation->type]++;
}

static void operate(struct scheduler_acceptance *acceptance, const operation_t *operation)
{
	if (operation->type != MESOS__SCHEDULER__OFFER__OPERATION__TYPE__LAUNCH) {
		change(acceptance, operation);
		return;
	}
	if (operation->launch == NULL)
		return;
	for (size_t i = 0; i < operation->launch->n_task_infos; i++)
		scheduler_launch(acceptance, operation->launch->task_infos[i]);
	acceptance->call->scheduler->counts.operations[operation->type]++;
}

/* ---- the call */

static bool is_known(const operation_t *operation)
{
	return operation->has_type && operation->type > MESOS__SCHEDULER__OFFER__OPERATION__TYPE__UNKNOWN &&
	       (int)operation->type < SCHEDULER_OPERATIONS;
}

/* What the lab does not play is refused whole, before anything of it is done. */
static bool is_refused(const struct scheduler_call *call, const accept_t *what)
{
	for (size_t i = 0; i < what->n_operations; i++) {
		const operation_t *operation = what->operations[i];
		const char *name = operation->has_type
					   ? pb_enum_name(&mesos__scheduler__offer__operation__type__descriptor,
							  (int)operation->type)
					   : NULL;
		if (!is_known(operation))
			web_refuse(call->reply, 501, "The lab's master does not know the operation %s",
				   name != NULL ? name : "without a type");
		else if (operation->id != NULL)
			web_refuse(call->reply, 501,
				   "The lab's master sends no UPDATE_OPERATION_STATUS: leave out the operation's 'id'");
	}
	return call->reply->status != 202;
}

void scheduler_accept(const struct scheduler_call *call)
{
	const accept_t *what = call->message->accept;
	struct scheduler_acceptance acceptance = {.call = call};
	if (is_refused(call, what))
		return;
	call->scheduler->counts.empty += what->n_operations == 0;
	scheduler_settle(call->master); /* an offer that no longer fits is gone before it can be accepted */
	take_offers(&acceptance, what);
	for (size_t i = 0; i < what->n_operations; i++)
		operate(&acceptance, what->operations[i]);
	end_offers(&acceptance, what);
	scheduler_settle(call->master);
	resources_clear(&acceptance.left);
	free(acceptance.role);
	free(acceptance.wrong);
}
