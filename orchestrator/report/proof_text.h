/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_PROOF_TEXT_H
#define ORCHESTRATOR_REPORT_PROOF_TEXT_H
#include <jansson.h>
#include <stdio.h>

#include "mesos/slaveinfo.h"

/* A proof (proof.h) for people: print gets "proof" with its result, then one line of the proof after the other. */
void proof_print(const json_t *proof, void (*print)(FILE *stream, const char *name, const char *value), FILE *stream);

/* What one line of the proof found, "S1", "2m, not 1m"; "" when its name says all. The caller's. */
char *proof_line_detail(const json_t *line);

#endif
