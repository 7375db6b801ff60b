/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_EXEC_OUTPUT_H
#define REMOTE_EXEC_OUTPUT_H
/* What a host's agentctl writes, within limits: lines of stdout become events, of stderr the end is kept. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "remote/event_queue.h"

struct exec_output {
	bool spoke;           /* something came on stdout */
	unsigned lines;       /* of stdout so far */
	struct buffer line;   /* stdout behind the last newline */
	struct buffer errors; /* the end of stderr, at most EXEC_STDERR_MAX bytes */
};
void exec_output_init(struct exec_output *output);
void exec_output_clear(struct exec_output *output);
/* For the next program on the same exec. */
void exec_output_reset(struct exec_output *output);

/* Whole lines become events of exec. ERROR_CORRUPT: too long a line, or too many; word is for its text. */
int exec_output_lines(struct exec_output *output, struct event_queue *events, const struct exec_event *exec,
		      const char *word, const char *data, size_t len, struct error *err);
/* Nothing more will come: what stands behind the last newline is a line too. */
void exec_output_end(struct exec_output *output, struct event_queue *events, const struct exec_event *exec);
/* stdout of a program of which only the beginning counts. */
void exec_output_collect(struct exec_output *output, const char *data, size_t len);
void exec_output_errors(struct exec_output *output, const char *data, size_t len);

#endif
