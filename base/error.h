/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H
/*
 * The error value every function that can fail takes as its last argument.
 *
 * The caller owns it and starts with ERROR_INIT. It is untouched on success; on failure the first writer wins, so a
 * cleanup that fails too does not hide the cause. The text can be printed as it is: it says what happened, where, and
 * what to do next. The kind drives policy; only main() maps it to an exit code (error_exit_code).
 */

enum error_kind {
	ERROR_NONE = 0,
	ERROR_USAGE,       /* a wrong argument or a document the user wrote: exit 2 */
	ERROR_CORRUPT,     /* data that cannot be what it claims to be: exit 2 */
	ERROR_REFUSED,     /* a safety rule said no: exit 3 */
	ERROR_CONFLICT,    /* somebody else was there first (lock, epoch, drift): exit 3 */
	ERROR_UNREACHABLE, /* a host, a master or a file could not be reached: exit 4 */
	ERROR_SYSTEM,      /* the operating system or a library failed: exit 4 */
	ERROR_INTERRUPTED, /* the operator stopped it, resumable: exit 5 */
	ERROR_BUG,         /* an invariant of this program does not hold: exit 70 */
};

/* Longer texts (an agent's refusal with two SlaveInfos) travel in a struct buffer, not here. */
#define ERROR_TEXT_MAX 1024

struct error {
	enum error_kind kind;
	char text[ERROR_TEXT_MAX];
};

#define ERROR_INIT                                                                                                     \
	{                                                                                                              \
		.kind = ERROR_NONE                                                                                     \
	}

/* Sets kind and text unless an error is set already. Always returns -1, so that "return error_set(...)" reads well.
 * err may be NULL. */
int error_set(struct error *err, enum error_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Like error_set, with ": <strerror(errnum)>" appended. */
int error_errno(struct error *err, enum error_kind kind, int errnum, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "<context>: " before the text of an error that is set. Always returns -1. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

void error_clear(struct error *err);

/* 0, 2, 3, 4, 5 or 70, as listed above. */
int error_exit_code(const struct error *err);

#ifdef __clang_analyzer__
/* The analyzer sees one source file at a time; told that these never return 0, it does not go down impossible paths. */
static inline int error_minus_one(int result)
{
	return result < 0 ? result : -1;
}
#define error_set(...)    error_minus_one(error_set(__VA_ARGS__))
#define error_errno(...)  error_minus_one(error_errno(__VA_ARGS__))
#define error_prefix(...) error_minus_one(error_prefix(__VA_ARGS__))
#endif

#endif
