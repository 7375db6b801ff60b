/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_CONFIG_H
#define INVENTORY_CONFIG_H
/*
 * Configs: named documents with numbered, immutable versions. schema/config.schema.json:
 *
 *   {"name": "web-tier", "rules": [
 *     {"match": "tier = 'web'",
 *      "attributes": {"tier": "web", "old": null},
 *      "resources": {"cpus": 24, "ports": "[31000-32000]"},
 *      "domain": {"region": "eu", "zone": "${attribute.zone}"},
 *      "flags": {"executor_registration_timeout": "2mins"}}]}
 *
 * A config owns only what it names; null removes. A rule without match is for every agent. Where several rules that
 * match say something about the same thing, the last one counts. Values may use ${hostname}, ${ip}, ${id}, ${region},
 * ${zone} and ${attribute.NAME} of the agent, and ${csv.COLUMN} of a CSV that is given and kept with the version
 * (inventory/config_csv.h).
 */
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "inventory/agents.h"
#include "inventory/store.h"
#include "mesos/flags.h"
#include "mesos/version.h"

/* Far more than any fleet's rules; a document above this is not a config. */
#define CONFIG_MAX (4u << 20)

struct config; /* a document, parsed and checked */

/* What a user hands over. Borrowed. */
struct config_source {
	const char *name; /* of the file, for errors */
	const void *bytes;
	size_t len;
	const char *csv_name, *csv; /* NULL: none */
	size_t csv_len;
};

/* Strict: an unknown key, a value the agent would refuse, a flag that may not be changed (hostname, ip, port,
 * work_dir…) are ERROR_USAGE that name the place ("FILE: rules[0].attributes.rack"). */
struct config *config_parse(const struct config_source *source, struct error *err);
void config_free(struct config *config);
const char *config_name(const struct config *config);
size_t config_rule_count(const struct config *config);

struct config_version {
	char *name;
	int64_t version;
	char sha256[DIGEST_HEX_SIZE]; /* of the document's bytes */
	char *author;
	int64_t created_ms;
	char *message;
	char *document; /* the user's bytes, and a NUL */
	size_t document_len;
	char csv_sha256[DIGEST_HEX_SIZE]; /* of the CSV's bytes; empty: it has none */
	char *csv;                        /* NULL: none, or not loaded */
	size_t csv_len;
};
void config_version_clear(struct config_version *version);

/* config_parse of a stored version, with its CSV. */
struct config *config_open(const struct config_version *version, struct error *err);

/* Stores the document (and its CSV) as the next version of its name. When its bytes are those of the newest version,
 * that one is given back and *added is false. */
int config_add(struct store *store, const struct config_source *source, const char *author, const char *message,
	       int64_t time_ms, struct config_version *out, bool *added, struct error *err);

/* reference: "web-tier" (the newest version) or "web-tier@3". ERROR_USAGE when there is none. */
int config_find(struct store *store, const char *reference, struct config_version *out, struct error *err);

struct config_versions {
	struct config_version *items; /* without documents; by name, then version */
	size_t count;
};
void config_versions_clear(struct config_versions *versions);
/* All versions of name, or with NULL the newest of every config. */
int config_list(struct store *store, const char *name, struct config_versions *out, struct error *err);

/* What a config wants of one agent. */
struct config_edit {
	char *flag;
	char *before; /* NULL: the agent does not have the flag */
	char *after;  /* NULL: the flag is removed */
};
struct config_edits {
	struct config_edit *items; /* only flags that change */
	size_t count;
	size_t rules; /* how many rules match the agent */
};
void config_edits_clear(struct config_edits *edits);

/* effective: the agent's flags as the survey found them. ERROR_USAGE names the agent and the place in the config, for
 * instance when a ${attribute.X} is missing or the result would not start an agent of that version. */
int config_resolve(const struct config *config, struct store *store, const struct agent_record *agent,
		   const struct flags *effective, const struct mesos_version *version, struct config_edits *out,
		   struct error *err);

#endif
