/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/exec_output.h"

#include <string.h>

#include "protocol/answer.h"

/* An answer has some twenty lines. What says more than this would only fill our memory. */
#define EXEC_LINES_MAX 1000u

void exec_output_init(struct exec_output *output)
{
	*output = (struct exec_output){.spoke = false};
	buffer_init(&output->line, ANSWER_LINE_MAX);
	buffer_init(&output->errors, (size_t)2 * EXEC_STDERR_MAX);
}

void exec_output_clear(struct exec_output *output)
{
	buffer_clear(&output->line);
	buffer_clear(&output->errors);
}

void exec_output_reset(struct exec_output *output)
{
	output->spoke = false;
	buffer_reset(&output->line);
	buffer_reset(&output->errors);
}

static void put_line(struct event_queue *events, const struct exec_event *exec, const char *text, size_t len)
{
	struct exec_event event = {
		.kind = EXEC_LINE,
		.exec = exec->exec,
		.tag = exec->tag,
		.text = text,
		.len = len,
		.exit_status = -1,
	};
	event_queue_put(events, &event);
}

int exec_output_lines(struct exec_output *output, struct event_queue *events, const struct exec_event *exec,
		      const char *word, const char *data, size_t len, struct error *err)
{
	struct buffer *line = &output->line;
	output->spoke = true;
	while (len > 0) {
		const char *newline = memchr(data, '\n', len);
		size_t part = newline != NULL ? (size_t)(newline - data) : len;
		if (buffer_append(line, data, part) < 0)
			return error_set(err, ERROR_CORRUPT,
					 "agentctl %s wrote a line of more than %u bytes: that is no answer", word,
					 ANSWER_LINE_MAX);
		if (newline == NULL)
			return 0;
		if (++output->lines > EXEC_LINES_MAX)
			return error_set(err, ERROR_CORRUPT, "agentctl %s wrote more than %u lines: that is no answer",
					 word, EXEC_LINES_MAX);
		put_line(events, exec, buffer_text(line), line->len);
		buffer_reset(line);
		data += part + 1;
		len -= part + 1;
	}
	return 0;
}

void exec_output_end(struct exec_output *output, struct event_queue *events, const struct exec_event *exec)
{
	if (output->line.len == 0)
		return;
	put_line(events, exec, buffer_text(&output->line), output->line.len);
	buffer_reset(&output->line);
}

void exec_output_collect(struct exec_output *output, const char *data, size_t len)
{
	output->spoke = true;
	buffer_append(&output->line, data, len);
}

void exec_output_errors(struct exec_output *output, const char *data, size_t len)
{
	struct buffer *errors = &output->errors;
	if (len > EXEC_STDERR_MAX) {
		data += len - EXEC_STDERR_MAX;
		len = EXEC_STDERR_MAX;
	}
	buffer_append(errors, data, len);
	if (errors->len > EXEC_STDERR_MAX)
		buffer_consume(errors, errors->len - EXEC_STDERR_MAX);
}
