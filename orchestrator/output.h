/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_OUTPUT_H
#define ORCHESTRATOR_OUTPUT_H
/* What several commands print the same way. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "inventory/agents.h"
#include "inventory/survey.h"

struct session;

/* One document on stdout. Takes the reference. Always 0, so that a command can return it. */
int output_json(json_t *document);

/* "2026-11-23T12:25:03.120Z", or null for 0. */
json_t *output_time(int64_t wall_ms);
/* The text, or null for NULL. A text that is no UTF-8 has its foreign bytes replaced. */
json_t *output_text(const char *text);

/* "3 s", "4 min", "2 h", "5 d" ago; "never" for 0. out: at least 32 bytes; returns it. */
char *output_age(int64_t wall_ms, int64_t now_ms, char out[32]);

/* "4", "0.5", "1024": at most three decimals, none that say nothing. out: at least 32 bytes; returns it. */
char *output_number(double number, char out[32]);

/* Appends a word as a shell takes it from what is pasted: bare, or in quotes. */
void output_shell_word(const char *word, struct buffer *out);
/* Appends "rollcall" with the global options that lead to where this command's led. */
void output_program(const struct session *session, struct buffer *out);
/* Prints a text in which commands stand between backticks, with the global options that they need here. */
void output_told(const struct session *session, FILE *stream, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "active", "deactivated", "inactive" or "gone". */
const char *output_agent_state(const struct agent_record *agent);

/* The members every document about an agent has; schema/agent.schema.json. The caller's. */
json_t *output_agent(const struct agent_record *agent);
/* {"time", "failed", "failure_kind", "failure"} of a survey, or null. record may be NULL: never asked. */
json_t *output_survey_state(const struct survey_record *record);

#endif
