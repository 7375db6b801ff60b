/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REMOTE_MASTER_STEPS_H
#define REMOTE_MASTER_STEPS_H
/* What a master is asked for a snapshot, request by request. Only for remote/master_question.c. */
#include <stdbool.h>

#include "base/error.h"
#include "remote/master.h"
#include "remote/master_parse.h"

/* What a master understands, best first: the operator API in protobuf or JSON, or only the older endpoints. */
enum form { FORM_PROTOBUF, FORM_JSON, FORM_ENDPOINTS };

/* Bits of what is still to be asked; the lowest comes first. */
enum step {
	STEP_GET_AGENTS = 1 << 0,
	STEP_GET_TASKS = 1 << 1,
	STEP_GET_FRAMEWORKS = 1 << 2, /* after the tasks: theirs are all there then */
	STEP_GET_MASTER = 1 << 3,
	STEP_SLAVES = 1 << 4,
	STEP_STATE = 1 << 5,
	STEP_FLAGS = 1 << 6,
	STEP_METRICS = 1 << 7,
};

struct master_step {
	enum step step;
	const char *path;
	const char *body; /* of a call of the operator API */
	bool json_only;
	bool large; /* agents, tasks or frameworks: what a spool is for */
	enum master_answer answer;
};
/* In the order of the bits. */
extern const struct master_step master_steps[];

/* The steps that give what is wanted (enum master_want bits) from a master that understands that form. */
unsigned master_steps_for(unsigned want, enum form form);

#endif
