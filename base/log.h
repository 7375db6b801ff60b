/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H
/*
 * Messages to stderr, one line each. Library code logs at LOG_DEBUG only; a command logs what it did, once.
 * While a live display owns the terminal it installs a hook, so that lines do not tear it.
 */
#include <stdbool.h>

enum log_level { LOG_QUIET = 0, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void log_setup(const char *program, enum log_level level);
/* How the program was called, for the commands that lines name (invocation.h): "rollcall --db other.db". Borrowed until the next call;
 * NULL: by its name alone. */
void log_set_invocation(const char *invocation);
enum log_level log_get_level(void);
/* hook gets each finished line (no newline); NULL takes it away again. */
void log_set_hook(void (*hook)(enum log_level level, const char *line, void *ctx), void *ctx);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
