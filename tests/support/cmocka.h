/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_CMOCKA_H
#define TESTS_SUPPORT_CMOCKA_H
/* cmocka with the headers it wants to be included before it, and assertions on struct error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"

/* The text must hold the given words. */
#define assert_text_has(text, words)                                                                                   \
	do {                                                                                                           \
		if (strstr((text), (words)) == NULL)                                                                   \
			fail_msg("\"%s\" does not hold \"%s\"", (text), (words));                                      \
	} while (0)

/* An error of this kind is set, and its text holds the words; it is cleared for the next call. */
#define assert_error(err, wanted_kind, words)                                                                          \
	do {                                                                                                           \
		assert_int_equal((err)->kind, (wanted_kind));                                                          \
		assert_text_has((err)->text, (words));                                                                 \
		error_clear(err);                                                                                      \
	} while (0)

/* The call returned 0; otherwise the error's text is the message. */
#define assert_ok(result, err)                                                                                         \
	do {                                                                                                           \
		if ((result) != 0)                                                                                     \
			fail_msg("failed: %s", (err)->text);                                                           \
	} while (0)

#endif
