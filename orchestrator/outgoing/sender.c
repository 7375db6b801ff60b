/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/outgoing/sender.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "inventory/cluster.h"
#include "orchestrator/ledger/ledger.h"
#include "orchestrator/outgoing/message.h"
#include "orchestrator/outgoing/queue.h"
#include "orchestrator/outgoing/request.h"
#include "orchestrator/outgoing/sender_lock.h"
#include "orchestrator/outgoing/silence.h"

/* So many lanes of one receiver are told at once. */
#define AT_ONCE           8
/* How often the queue is looked at, and how long answers may wait for others to be written down with them. */
#define LOOK_MS           250
/* After an answer: there is room for another request. */
#define LOOK_SOON_MS      20
/* Somebody else sends, or there is nobody to tell. */
#define LOOK_IDLE_MS      1000
/* Whoever drives a run does not wait for another process's transaction. */
#define PATIENCE_MS       20
#define USUAL_PATIENCE_MS 10000

/* A request under way, or one that has ended and is not written down yet. */
struct flight {
	struct flight *next;
	struct sender *sender;
	struct outgoing message;
	struct receiver receiver;
	struct buffer body;
	struct http_access access;
	uint64_t http_id;
	bool ended;
	struct post_result verdict;
};

struct sender {
	struct sender_options options;
	int64_t cluster; /* its key in the database; 0: not known yet */
	int lock;        /* -1: not held */
	bool elsewhere;
	struct flight *flights;
	struct silences silences;
	int64_t look_ms, wrote_ms; /* monotonic */
	bool due;                  /* something could be sent now */
	struct error trouble;
};

struct sender *sender_new(const struct sender_options *options)
{
	struct sender *sender = xcalloc(1, sizeof(*sender));

	sender->options = *options;
	sender->lock = -1;
	return sender;
}

static void flight_free(struct flight *flight)
{
	outgoing_clear(&flight->message);
	receiver_clear(&flight->receiver);
	buffer_clear(&flight->body);
	post_result_clear(&flight->verdict);
	free(flight);
}

void sender_free(struct sender *sender)
{
	if (!sender)
		return;
	while (sender->flights) {
		struct flight *flight = sender->flights;

		sender->flights = flight->next;
		if (!flight->ended)
			http_cancel(sender->options.http, flight->http_id);
		flight_free(flight);
	}
	if (sender->lock >= 0)
		close(sender->lock);
	silences_clear(&sender->silences);
	json_decref(sender->options.origin);
	free(sender);
}

bool sender_is_busy(const struct sender *sender)
{
	return sender->flights || sender->due;
}

bool sender_is_elsewhere(const struct sender *sender)
{
	return sender->elsewhere;
}

const char *sender_trouble(const struct sender *sender)
{
	return sender->trouble.kind != ERROR_NONE ? sender->trouble.text : NULL;
}

/* ---- answers */

static void end_flight(struct flight *flight)
{
	flight->ended = true;
	silence_note(&flight->sender->silences, flight->message.receiver, &flight->verdict);
	int64_t soon = clock_monotonic_ms() + LOOK_SOON_MS;
	if (flight->sender->look_ms > soon)
		flight->sender->look_ms = soon;
}

static void on_answer(void *ctx, struct http_answer *answer)
{
	struct flight *flight = ctx;

	post_result_of(&flight->receiver, answer, &flight->verdict);
	end_flight(flight);
}

static int write_one(struct sender *sender, const struct flight *flight, struct error *err)
{
	const struct outgoing *message = &flight->message;
	const struct post_result *verdict = &flight->verdict;
	int64_t now_ms = clock_wall_ms();
	bool dead = verdict->gone || now_ms - message->created_ms > OUTGOING_DEAD_MS;

	if (verdict->delivered)
		return outgoing_delivered(sender->options.store, message->number, now_ms, err);
	return outgoing_failed(sender->options.store, message->number,
			       now_ms + sender_some_delay_ms(message->attempts + 1, dead), verdict->gone, verdict->why,
			       err);
}

/* Who was told is evidence too. */
static int record(struct sender *sender, struct error *err)
{
	const struct sender_options *options = &sender->options;
	struct ledger *ledger = ledger_open(options->store, options->actor, err);
	json_t *told = json_array();
	int result = ledger ? 0 : -1;

	for (const struct flight *flight = sender->flights; flight; flight = flight->next)
		if (flight->ended && flight->verdict.delivered)
			json_array_append_new(told, json_pack("{s:s, s:s, s:I}", "id", flight->message.id, "to",
							      flight->message.receiver_name, "attempts",
							      (json_int_t)flight->message.attempts + 1));
	if (ledger && json_array_size(told) > 0) {
		ledger_set_origin(ledger, json_incref(options->origin));
		ledger_event(ledger, "outgoing.delivered", NULL, NULL,
			     json_pack("{s:s, s:O}", "cluster", options->cluster, "messages", told));
		result = ledger_commit_within(ledger, err);
	}
	json_decref(told);
	ledger_close(ledger);
	return result;
}

static int write_all(struct sender *sender, struct error *err)
{
	struct store *store = sender->options.store;

	store_set_patience(store, PATIENCE_MS);
	int result = store_begin(store, err);
	store_set_patience(store, USUAL_PATIENCE_MS);
	if (result < 0)
		return -1;
	for (const struct flight *flight = sender->flights; flight && result == 0; flight = flight->next)
		if (flight->ended)
			result = write_one(sender, flight, err);
	if (result == 0)
		result = record(sender, err);
	if (result == 0)
		return store_commit(store, err);
	store_rollback(store);
	return -1;
}

static void forget_ended(struct sender *sender)
{
	struct flight **link = &sender->flights;

	while (*link) {
		struct flight *flight = *link;

		if (flight->ended) {
			*link = flight->next;
			flight_free(flight);
		} else {
			link = &flight->next;
		}
	}
}

/* Together, because each commit waits for the disk. What cannot be written stays to be written. */
static int write_down(struct sender *sender, int64_t now_ms, struct error *err)
{
	size_t ended = 0, open = 0;

	for (const struct flight *flight = sender->flights; flight; flight = flight->next) {
		ended += flight->ended;
		open += !flight->ended;
	}
	if (ended == 0 || (open > 0 && now_ms - sender->wrote_ms < LOOK_MS))
		return 0;
	sender->wrote_ms = now_ms;
	if (write_all(sender, err) < 0)
		return -1;
	forget_ended(sender);
	return 0;
}

/* ---- new requests */

static bool is_under_way(const struct sender *sender, int64_t number)
{
	for (const struct flight *flight = sender->flights; flight; flight = flight->next)
		if (flight->message.number == number)
			return true;
	return false;
}

/* Those that wait to be written down are of all, and not open. */
static void count_flights(const struct sender *sender, int64_t receiver, size_t *all, size_t *open)
{
	*all = *open = 0;
	for (const struct flight *flight = sender->flights; flight; flight = flight->next) {
		*all += flight->message.receiver == receiver;
		*open += flight->message.receiver == receiver && !flight->ended;
	}
}

static int post(struct sender *sender, struct flight *flight, struct error *err)
{
	if (message_compose(sender->options.store, &flight->message, &flight->body, err) < 0)
		return -1;
	const struct request_body body = {.id = flight->message.id,
					  .kind = flight->message.kind,
					  .bytes = buffer_text(&flight->body),
					  .len = flight->body.len,
					  .attempt = flight->message.attempts + 1};

	return receiver_post(sender->options.http, &flight->receiver, sender->options.ca, &body, &flight->access,
			     on_answer, flight, &flight->http_id, err);
}

/* Takes message. The receiver is copied: its list is gone when the answer comes. */
static void begin(struct sender *sender, const struct receiver *receiver, struct outgoing *message)
{
	struct flight *flight = xcalloc(1, sizeof(*flight));
	struct error err = ERROR_INIT;

	flight->sender = sender;
	flight->message = *message;
	*message = (struct outgoing){.number = 0};
	flight->receiver.url = xstrdup(receiver->url);
	flight->receiver.secret_file = receiver->secret_file ? xstrdup(receiver->secret_file) : NULL;
	flight->receiver.ca = receiver->ca ? xstrdup(receiver->ca) : NULL;
	flight->receiver.timeout_ms = receiver->timeout_ms;
	buffer_init(&flight->body, MESSAGE_MAX);
	flight->next = sender->flights;
	sender->flights = flight;
	if (post(sender, flight, &err) == 0)
		return;
	flight->verdict = (struct post_result){.why = xstrdup(err.text)};
	flight->ended = true; /* it was never under way */
}

static int begin_due(struct sender *sender, const struct receiver *receiver, size_t limit, struct error *err)
{
	size_t all, open, room, begun = 0;
	struct outgoing_list list;

	count_flights(sender, receiver->number, &all, &open);
	room = limit > open ? limit - open : 0;
	/* What is under way is still due as far as the database knows; one more says whether anything is left. */
	if (outgoing_load_due(sender->options.store, receiver->number, clock_wall_ms(), all + room + 1, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		if (is_under_way(sender, list.items[i].number))
			continue;
		if (begun == room) {
			sender->due = true;
			break;
		}
		begin(sender, receiver, &list.items[i]);
		begun++;
	}
	outgoing_list_clear(&list);
	return 0;
}

static int look_at(struct sender *sender, const struct receiver *receiver, int64_t now_ms, struct error *err)
{
	const struct silence *silence = silence_of(&sender->silences, receiver->number);

	if (silence->failures == 0)
		return begin_due(sender, receiver, AT_ONCE, err);
	/* One attempt shows whether it is back. */
	return now_ms < silence->until_ms ? 0 : begin_due(sender, receiver, 1, err);
}

/* Whoever begins to send does this once. When another process holds the database just now, the next sender does it. */
static void prune(struct store *store)
{
	struct error ignored = ERROR_INIT;

	store_set_patience(store, PATIENCE_MS);
	outgoing_prune(store, clock_wall_ms(), &ignored);
	store_set_patience(store, USUAL_PATIENCE_MS);
}

/* 1: this process sends; 0: another one does; -1. */
static int hold_lock(struct sender *sender, struct error *err)
{
	struct error why = ERROR_INIT;

	if (sender->lock >= 0)
		return 1;
	if (sender->cluster == 0 &&
	    cluster_id(sender->options.store, sender->options.cluster, &sender->cluster, err) < 0)
		return -1;
	sender->lock = sender_lock(store_path(sender->options.store), sender->cluster, &why);
	sender->elsewhere = sender->lock < 0 && why.kind == ERROR_CONFLICT;
	if (sender->lock >= 0) {
		prune(sender->options.store);
		return 1;
	}
	return sender->elsewhere ? 0 : error_set(err, why.kind, "%s", why.text);
}

static int look(struct sender *sender, int64_t now_ms, struct error *err)
{
	struct receiver_list receivers;

	sender->due = false;
	sender->look_ms = now_ms + LOOK_IDLE_MS;
	if (receivers_load(sender->options.store, sender->options.cluster, NULL, &receivers, err) < 0)
		return -1;
	int result = receivers.count == 0 ? 0 : hold_lock(sender, err);
	if (result > 0)
		sender->look_ms = now_ms + LOOK_MS;
	for (size_t i = 0; i < receivers.count && result > 0; i++)
		result = look_at(sender, &receivers.items[i], now_ms, err) < 0 ? -1 : 1;
	receiver_list_clear(&receivers);
	return result < 0 ? -1 : 0;
}

int64_t sender_step(struct sender *sender)
{
	int64_t now_ms = clock_monotonic_ms();
	struct error err = ERROR_INIT;
	int result = write_down(sender, now_ms, &err);

	if (result == 0 && now_ms >= sender->look_ms)
		result = look(sender, now_ms, &err);
	sender->trouble = err;
	if (result < 0)
		sender->look_ms = now_ms + LOOK_IDLE_MS;
	int64_t wait = sender->look_ms - now_ms;
	return wait < 0 ? 0 : wait > LOOK_MS ? LOOK_MS : wait;
}
