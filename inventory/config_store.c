/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of configs in the database. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inventory/config.h"

#define COLUMNS "c.name, v.version, v.sha256, v.author, v.created_ms, v.message, v.csv_sha256"

void config_version_clear(struct config_version *version)
{
	free(version->name);
	free(version->author);
	free(version->message);
	free(version->document);
	free(version->csv);
	*version = (struct config_version){.version = 0};
}

void config_versions_clear(struct config_versions *versions)
{
	for (size_t i = 0; i < versions->count; i++)
		config_version_clear(&versions->items[i]);
	free(versions->items);
	*versions = (struct config_versions){NULL, 0};
}

static void read_version(const struct store_cursor *rows, struct config_version *out)
{
	*out = (struct config_version){
		.name = xstrdup(store_text(rows, 0)),
		.version = store_int(rows, 1),
		.author = xstrdup(store_text(rows, 3)),
		.created_ms = store_int(rows, 4),
		.message = xstrdup(store_text(rows, 5)),
	};
	snprintf(out->sha256, sizeof(out->sha256), "%s", store_text(rows, 2));
	if (!store_is_null(rows, 6))
		snprintf(out->csv_sha256, sizeof(out->csv_sha256), "%s", store_text(rows, 6));
}

static void read_document(const struct store_cursor *rows, int column, struct config_version *out)
{
	size_t len;
	const void *bytes = store_blob(rows, column, &len);

	out->document = xstrndup(bytes, len);
	out->document_len = len;
	bytes = store_blob(rows, column + 1, &len);
	out->csv = bytes ? xstrndup(bytes, len) : NULL;
	out->csv_len = bytes ? len : 0;
}

/* 1: found, 0: not. version 0: the newest. */
static int load_version(struct store *store, const char *name, int64_t version, struct config_version *out,
			struct error *err)
{
	struct store_cursor rows;
	int found;

	if (store_query(store, &rows, err,
			"SELECT " COLUMNS
			", v.document, v.csv FROM config_versions v JOIN configs c ON c.id = v.config "
			"WHERE c.name = ?1 AND (?2 = 0 OR v.version = ?2) ORDER BY v.version DESC LIMIT 1",
			"ti", name, version) < 0)
		return -1;
	found = store_next(&rows, err);
	if (found > 0) {
		read_version(&rows, out);
		read_document(&rows, 7, out);
	}
	store_done(&rows);
	return found;
}

/* What is stored must be what was added, whoever has had the file since. */
static int check_bytes(const struct config_version *version, const char *what, const char *bytes, size_t len,
		       const char *wanted, struct error *err)
{
	char sha256[DIGEST_HEX_SIZE] = "";

	if (bytes)
		digest_hex(bytes, len, sha256);
	if (strcmp(sha256, wanted) == 0)
		return 0;
	return error_set(err, ERROR_CORRUPT,
			 "config %s@%" PRId64 ": the stored %s has SHA-256 %s, not %s: the database was changed",
			 version->name, version->version, what, sha256, wanted);
}

static int check_digest(const struct config_version *version, struct error *err)
{
	if (check_bytes(version, "document", version->document, version->document_len, version->sha256, err) < 0)
		return -1;
	return check_bytes(version, "CSV", version->csv, version->csv_len, version->csv_sha256, err);
}

static int insert_version(struct store *store, const struct config_version *version, struct error *err)
{
	if (store_run(store, err, "INSERT INTO configs (name) VALUES (?1) ON CONFLICT DO NOTHING", "t", version->name) <
	    0)
		return -1;
	return store_run(
		store, err,
		"INSERT INTO config_versions (config, version, sha256, author, created_ms, message, document, "
		"csv_sha256, csv) "
		"VALUES ((SELECT id FROM configs WHERE name = ?1), ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, ''), ?9)",
		"tittitbtb", version->name, version->version, version->sha256, version->author, version->created_ms,
		version->message, version->document, version->document_len, version->csv_sha256,
		(const void *)version->csv, version->csv_len);
}

/* wanted becomes the next version, unless the newest has the same bytes: then *newest is that one and 0 comes back. */
static int add_version(struct store *store, struct config_version *wanted, struct config_version *newest,
		       struct error *err)
{
	int found = load_version(store, wanted->name, 0, newest, err);

	if (found < 0)
		return -1;
	if (found && strcmp(newest->sha256, wanted->sha256) == 0 && strcmp(newest->csv_sha256, wanted->csv_sha256) == 0)
		return 0;
	wanted->version = found ? newest->version + 1 : 1;
	config_version_clear(newest);
	return insert_version(store, wanted, err) < 0 ? -1 : 1;
}

static int add_in_transaction(struct store *store, struct config_version *wanted, struct config_version *newest,
			      struct error *err)
{
	int result;

	if (store_begin(store, err) < 0)
		return -1;
	result = add_version(store, wanted, newest, err);
	if (result <= 0) {
		store_rollback(store);
		return result;
	}
	return store_commit(store, err) < 0 ? -1 : 1;
}

int config_add(struct store *store, const struct config_source *source, const char *author, const char *message,
	       int64_t time_ms, struct config_version *out, bool *added, struct error *err)
{
	struct config *config = config_parse(source, err);
	struct config_version newest = {.version = 0}, wanted;
	int result;

	if (!config)
		return -1;
	wanted = (struct config_version){
		.name = xstrdup(config_name(config)),
		.author = xstrdup(author),
		.created_ms = time_ms,
		.message = xstrdup(message ? message : ""),
		.document = xstrndup(source->bytes, source->len),
		.document_len = source->len,
		.csv = source->csv ? xstrndup(source->csv, source->csv_len) : NULL,
		.csv_len = source->csv ? source->csv_len : 0,
	};
	config_free(config);
	digest_hex(source->bytes, source->len, wanted.sha256);
	if (source->csv)
		digest_hex(source->csv, source->csv_len, wanted.csv_sha256);
	result = add_in_transaction(store, &wanted, &newest, err);
	if (result >= 0) {
		*out = result ? wanted : newest;
		*added = result > 0;
	}
	if (result <= 0)
		config_version_clear(&wanted);
	if (result != 0)
		config_version_clear(&newest);
	return result < 0 ? -1 : 0;
}

static int fail_unknown(struct store *store, const char *name, int64_t version, struct error *err)
{
	struct config_version newest = {.version = 0};
	int found = load_version(store, name, 0, &newest, err);

	if (found > 0)
		error_set(err, ERROR_USAGE, "config %s has no version %" PRId64 "; the newest is %" PRId64, name,
			  version, newest.version);
	else if (found == 0)
		error_set(err, ERROR_USAGE,
			  "there is no config \"%s\"; `rollcall config list` shows those there are, "
			  "`rollcall config add FILE` adds one",
			  name);
	config_version_clear(&newest);
	return -1;
}

/* "name" or "name@N". *name is the caller's. */
static int split_reference(const char *reference, char **name, int64_t *version, struct error *err)
{
	const char *at = strchr(reference, '@');
	char *end;

	*version = 0;
	if (at) {
		*version = strtoll(at + 1, &end, 10);
		if (at[1] < '0' || at[1] > '9' || *end || *version < 1 || *version == INT64_MAX)
			return error_set(err, ERROR_USAGE, "\"%s\": after @ comes the number of a version, as in web@3",
					 reference);
	}
	*name = at ? xstrndup(reference, (size_t)(at - reference)) : xstrdup(reference);
	return 0;
}

int config_find(struct store *store, const char *reference, struct config_version *out, struct error *err)
{
	struct config_version version = {.version = 0};
	int64_t number;
	char *name = NULL;
	int found;

	if (split_reference(reference, &name, &number, err) < 0)
		return -1;
	found = load_version(store, name, number, &version, err);
	if (found == 0)
		fail_unknown(store, name, number, err);
	free(name);
	if (found <= 0)
		return -1;
	if (check_digest(&version, err) < 0) {
		config_version_clear(&version);
		return -1;
	}
	*out = version;
	return 0;
}

int config_list(struct store *store, const char *name, struct config_versions *out, struct error *err)
{
	struct config_versions versions = {NULL, 0};
	struct store_cursor rows;
	int more;

	if (store_query(
		    store, &rows, err,
		    "SELECT " COLUMNS " FROM config_versions v JOIN configs c ON c.id = v.config WHERE c.name = ?1 OR "
		    "(?1 IS NULL AND v.version = (SELECT max(version) FROM config_versions w WHERE w.config = c.id)) "
		    "ORDER BY c.name, v.version",
		    "t", name) < 0)
		return -1;
	while ((more = store_next(&rows, err)) > 0) {
		versions.items = xreallocarray(versions.items, versions.count + 1, sizeof(*versions.items));
		read_version(&rows, &versions.items[versions.count++]);
	}
	store_done(&rows);
	if (more == 0 && name && !versions.count)
		more = fail_unknown(store, name, 0, err);
	if (more < 0) {
		config_versions_clear(&versions);
		return -1;
	}
	*out = versions;
	return 0;
}
