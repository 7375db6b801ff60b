/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_PROOF_TEXT_H
#define ORCHESTRATOR_REPORT_PROOF_TEXT_H
/* A proof (proof.h) for people. */
#include <jansson.h>

#include "mesos/slaveinfo.h"

/* What one line of the proof found, "S1", "2m, not 1m"; "" when its name says all. The caller's. */
char *proof_line_detail(const json_t *line);

/* "cpus 1 of 8; mem(web) 2048 of 1500, OVER": what is used of what there is. The caller's; NULL: nobody looked. */
char *proof_used(const json_t *proof);

#endif
