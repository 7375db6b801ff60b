/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H
/* Functions nobody may call here; the compiler is told to include this before everything (after the system headers
 * that declare them). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang's fortified headers make it a macro. */
#undef sprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok system popen tmpnam mktemp atoi atol atof

#endif
