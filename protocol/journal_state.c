/* SPDX-License-Identifier: Apache-2.0 */
/* The two documents of the journal: an operation's state, and the host's epoch. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "protocol/journal.h"

#define STATE_FORMAT 1
/* A reason, two processes and a dozen numbers. */
#define STATE_MAX    8192

/* ---- state */

static json_t *process_to_json(const struct operation_process *process)
{
	json_t *object = json_object();

	json_object_set_new(object, "pid", json_integer(process->pid));
	json_object_set_new(object, "start_ticks", json_integer(process->start_ticks));
	return object;
}

static json_t *state_to_json(const struct operation_state *state)
{
	json_t *object = json_object();
	json_t *reason = json_string(state->reason);

	json_object_set_new(object, "format", json_integer(STATE_FORMAT));
	json_object_set_new(object, "step", json_string(operation_step_name(state->step)));
	json_object_set_new(object, "boot_id", json_string(state->boot_id));
	json_object_set_new(object, "discard", json_boolean(state->discard));
	json_object_set_new(object, "rescue", json_boolean(state->rescue));
	json_object_set_new(object, "native", json_boolean(state->native));
	json_object_set_new(object, "ends_tasks", json_boolean(state->ends_tasks));
	json_object_set_new(object, "amended", json_boolean(state->amended));
	json_object_set_new(object, "asked", json_boolean(state->asked));
	json_object_set_new(object, "before", process_to_json(&state->before));
	json_object_set_new(object, "started", process_to_json(&state->started));
	json_object_set_new(object, "start_timeout_ms", json_integer(state->start_timeout_ms));
	json_object_set_new(object, "verdict_timeout_ms", json_integer(state->verdict_timeout_ms));
	json_object_set_new(object, "asked_ms", json_integer(state->asked_ms));
	json_object_set_new(object, "restart_ticks", json_integer(state->restart_ticks));
	json_object_set_new(object, "seen_ms", json_integer(state->seen_ms));
	json_object_set_new(object, "deadline_ms", json_integer(state->deadline_ms));
	json_object_set_new(object, "kept_by_deadline", json_boolean(state->kept_by_deadline));
	json_object_set_new(object, "reason", reason != NULL ? reason : json_string("(not printable)"));
	return object;
}

int journal_save_state(const struct journal_entry *entry, const struct operation_state *state, struct error *err)
{
	struct buffer text = BUFFER_INIT(STATE_MAX);
	json_t *object = state_to_json(state);
	int result;

	json_write(object, true, &text);
	buffer_putc(&text, '\n');
	json_decref(object);
	result = journal_put(entry, "state", buffer_text(&text), text.len, err);
	buffer_clear(&text);
	if (result == 0)
		journal_log(entry, operation_step_name(state->step), state->reason[0] != '\0' ? state->reason : NULL);
	return result;
}

static int read_text(const json_t *object, const char *key, char *out, size_t size, const struct json_place *place,
		     struct error *err)
{
	struct json_place at = {.parent = place, .key = key};
	const char *text = NULL;

	if (json_required_string(object, key, &text, place, err) != 0)
		return -1;
	if (strlen(text) >= size)
		return json_error(&at, err, "is too long");
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int read_process(const json_t *object, const char *key, struct operation_process *out,
			const struct json_place *place, struct error *err)
{
	struct json_place at = {.parent = place, .key = key};
	const json_t *process = NULL;

	if (json_optional_object(object, key, &process, place, err) != 0)
		return -1;
	if (process == NULL)
		return json_error(&at, err, "is missing");
	if (json_required_int(process, "pid", &out->pid, &at, err) != 0)
		return -1;
	return json_required_int(process, "start_ticks", &out->start_ticks, &at, err);
}

static int read_numbers(const json_t *object, struct operation_state *out, const struct json_place *place,
			struct error *err)
{
	const struct {
		const char *key;
		int64_t *target;
	} numbers[] = {
		{"start_timeout_ms", &out->start_timeout_ms},
		{"verdict_timeout_ms", &out->verdict_timeout_ms},
		{"asked_ms", &out->asked_ms},
		{"seen_ms", &out->seen_ms},
		{"deadline_ms", &out->deadline_ms},
	};

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (json_required_int(object, numbers[i].key, numbers[i].target, place, err) != 0)
			return -1;
	return 0;
}

static int read_state(const json_t *object, struct operation_state *out, const struct json_place *place,
		      struct error *err)
{
	char step[32];
	int64_t format = 0;

	if (json_required_int(object, "format", &format, place, err) != 0)
		return -1;
	if (format != STATE_FORMAT)
		return json_error(place, err, "has format %lld; this agentctl knows %d", (long long)format,
				  STATE_FORMAT);
	if (read_text(object, "step", step, sizeof step, place, err) != 0 ||
	    (operation_step_parse(step, &out->step, err) != 0 && error_prefix(err, "%s", place->source) != 0) ||
	    read_text(object, "boot_id", out->boot_id, sizeof out->boot_id, place, err) != 0 ||
	    read_text(object, "reason", out->reason, sizeof out->reason, place, err) != 0 ||
	    json_optional_bool(object, "discard", &out->discard, place, err) != 0 ||
	    json_optional_bool(object, "rescue", &out->rescue, place, err) != 0 ||
	    json_optional_bool(object, "native", &out->native, place, err) != 0 ||
	    json_optional_bool(object, "ends_tasks", &out->ends_tasks, place, err) != 0 ||
	    json_optional_bool(object, "amended", &out->amended, place, err) != 0 ||
	    json_optional_bool(object, "asked", &out->asked, place, err) != 0 ||
	    json_optional_bool(object, "kept_by_deadline", &out->kept_by_deadline, place, err) != 0 ||
	    json_optional_int(object, "restart_ticks", &out->restart_ticks, place, err) != 0 ||
	    read_process(object, "before", &out->before, place, err) != 0 ||
	    read_process(object, "started", &out->started, place, err) != 0)
		return -1;
	return read_numbers(object, out, place, err);
}

/* A document that only agentctl writes: whatever is wrong with it is corruption, not the user's mistake. */
static json_t *read_own(const char *path, struct error *err)
{
	struct error why = ERROR_INIT;
	json_t *object = json_read_file(path, STATE_MAX, &why);

	if (json_is_object(object))
		return object;
	json_decref(object);
	error_set(err, why.kind == ERROR_USAGE || why.kind == ERROR_NONE ? ERROR_CORRUPT : why.kind, "%s",
		  why.text[0] != '\0' ? why.text : "not an object");
	error_prefix(err, "%s", path);
	return NULL;
}

int journal_load_state(const struct journal_entry *entry, struct operation_state *out, struct error *err)
{
	struct operation_state state = {.step = STEP_NONE};
	struct error why = ERROR_INIT;
	char *path = path_join(entry->dir, "state");
	struct json_place place = {.source = path};
	json_t *object = NULL;
	int result = -1;

	if (!file_exists(path)) {
		*out = state;
		result = 0;
	} else if ((object = read_own(path, err)) != NULL) {
		result = read_state(object, &state, &place, &why);
		if (result == 0)
			*out = state;
		else
			error_set(err, ERROR_CORRUPT, "%s", why.text);
	}
	json_decref(object);
	free(path);
	return result;
}

/* ---- epoch */

int journal_epoch_admit(const struct journal_epoch *seen, const char *database, int64_t epoch, bool adopt,
			struct journal_epoch *next, struct error *err)
{
	bool foreign = seen->database[0] != '\0' && strcmp(seen->database, database) != 0;

	if (strlen(database) >= JOURNAL_DATABASE_SIZE || database[0] == '\0')
		return error_set(err, ERROR_USAGE, "a database's name has 1 to %d characters",
				 JOURNAL_DATABASE_SIZE - 1);
	if (foreign && !adopt)
		return error_set(err, ERROR_CONFLICT,
				 "this host is driven by the database %s, not by %s; with --adopt rollcall takes the "
				 "host over",
				 seen->database, database);
	if (!foreign && epoch < seen->epoch)
		return error_set(err, ERROR_CONFLICT,
				 "the epoch %lld is older than %lld, which this host has seen: another rollcall has "
				 "taken over. Or the database was restored from an older copy, and with --adopt it "
				 "goes on from there",
				 (long long)epoch, (long long)seen->epoch);
	memset(next, 0, sizeof *next);
	memcpy(next->database, database, strlen(database));
	next->epoch = epoch;
	return 0;
}

int journal_epoch_load(const struct journal *journal, struct journal_epoch *out, struct error *err)
{
	struct journal_epoch loaded = {.epoch = 0};
	struct error why = ERROR_INIT;
	char *path = path_join(journal->dir, "epoch");
	struct json_place place = {.source = path};
	json_t *object = NULL;
	int result = 0;

	if (file_exists(path)) {
		object = read_own(path, err);
		result = object == NULL ? -1 : 0;
	}
	if (object != NULL &&
	    (read_text(object, "database", loaded.database, sizeof loaded.database, &place, &why) != 0 ||
	     json_required_int(object, "epoch", &loaded.epoch, &place, &why) != 0))
		result = error_set(err, ERROR_CORRUPT, "%s", why.text);
	if (result == 0)
		*out = loaded;
	json_decref(object);
	free(path);
	return result;
}

static int save_epoch(const struct journal *journal, const struct journal_epoch *epoch, struct error *err)
{
	static const struct file_attributes attributes = {.mode = 0600};
	struct buffer text = BUFFER_INIT(STATE_MAX);
	char *path = path_join(journal->dir, "epoch");
	json_t *object = json_object();
	int result;

	json_object_set_new(object, "database", json_string(epoch->database));
	json_object_set_new(object, "epoch", json_integer(epoch->epoch));
	json_write(object, false, &text);
	buffer_putc(&text, '\n');
	result = file_replace(path, buffer_text(&text), text.len, &attributes, err);
	json_decref(object);
	buffer_clear(&text);
	free(path);
	return result;
}

/* Two who raise at once must not lower it; nobody holds this lock for longer than one small write. */
static int lock_epoch(const struct journal *journal, struct error *err)
{
	char *path = path_join(journal->dir, "epoch-lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		error_errno(err, ERROR_SYSTEM, errno, "cannot lock %s", path);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

int journal_epoch_raise(const struct journal *journal, const char *database, int64_t epoch, bool adopt,
			struct error *err)
{
	struct journal_epoch seen;
	struct journal_epoch next;
	int fd = lock_epoch(journal, err);
	int result = -1;

	if (fd < 0)
		return -1;
	if (journal_epoch_load(journal, &seen, err) == 0 &&
	    journal_epoch_admit(&seen, database, epoch, adopt, &next, err) == 0)
		result = strcmp(seen.database, next.database) == 0 && seen.epoch == next.epoch
				 ? 0
				 : save_epoch(journal, &next, err);
	close(fd);
	return result;
}
