/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_CONFIG_CSV_H
#define INVENTORY_CONFIG_CSV_H
/*
 * The CSV that may stand beside a config version: values by agent, for ${csv.COLUMN}.
 *
 *	hostname,rack,mem
 *	node001.example.com,r1,65536
 *
 * As RFC 4180 has it (quotes, CRLF, line ends in quotes), in UTF-8. One column is named hostname or id: agents are found
 * by it, by id when there are both. An empty cell is no value.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "inventory/agents.h"

/* 50,000 agents with a dozen columns fit several times. */
#define CONFIG_CSV_MAX (32u << 20)

struct config_csv;

/* ERROR_USAGE with "SOURCE:LINE: …": no key column, a column or an agent twice, rows of another length, a quote that is
 * not closed, no UTF-8. */
struct config_csv *config_csv_parse(const char *source, const char *bytes, size_t len, struct error *err);
void config_csv_free(struct config_csv *csv); /* NULL is fine */

bool config_csv_has_column(const struct config_csv *csv, const char *name, size_t name_len);
/* What the column says of the agent, borrowed; NULL: it has no row, or nothing in it. */
const char *config_csv_value(const struct config_csv *csv, const char *name, size_t name_len,
			     const struct agent_record *agent);

#endif
