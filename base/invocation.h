/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_INVOCATION_H
#define BASE_INVOCATION_H
/*
 * Commands in texts, to be pasted. A text names them between backticks, `rollcall rollout resume RUN`, wherever it is made
 * and whoever will read it; only where it is printed is it known how the program was called here, with which global options.
 */

/* A copy of text in which each "`name " has become "`program ", but where it already is. program begins with name:
 * "rollcall --db other.db". Caller frees. */
char *invocation_put(const char *text, const char *name, const char *program);

#endif
