/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_AGENT_AGENT_LOG_H
#define LAB_AGENT_AGENT_LOG_H
/*
 * The agent's log as glog keeps it: with --log_dir a file per start there, and mesos-agent.INFO, a link to the newest.
 * Lines start with level, time, process and place: "E1123 14:25:03.120000  4711 slave.cpp:900] …". Without the flag
 * nothing is kept.
 */
#include "base/error.h"

struct agent_log;

/* log_dir is the host's own path; it and the file are made. NULL when it cannot be, with err. */
struct agent_log *agent_log_open(const char *root, const char *log_dir, const char *host, struct error *err);
void agent_log_close(struct agent_log *log); /* NULL is fine */

/* level: 'I', 'W' or 'E'. place: "slave.cpp:900". Each line of text gets a line. A log that is NULL takes it and does nothing. */
void agent_log_write(struct agent_log *log, char level, const char *place, const char *text);

#endif
