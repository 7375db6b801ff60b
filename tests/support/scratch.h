/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H
/* A folder for one test, and the few things tests do with files. A failure here aborts the test program. */
#include <stddef.h>

/* A new folder below $TMPDIR or /tmp. Given back with scratch_remove, which frees the name and removes all in it. */
char *scratch_new(void);
void scratch_remove(char *folder);

/* Writes a file (the NUL-terminated text) and returns its path, the caller's. */
char *scratch_write(const char *folder, const char *name, const char *text);
/* The whole file, NUL-terminated; the caller's. *len may be NULL. */
char *scratch_read(const char *path, size_t *len);

/* "<TEST_DATA or tests/data>/<name>"; the caller's. */
char *test_data(const char *name);

#endif
