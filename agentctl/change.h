/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_CHANGE_H
#define AGENTCTL_CHANGE_H
/*
 * What one operation writes on this host, in both directions: built from facts and request before anything is touched, kept in the
 * journal (`manifest`, before/…, after/…), and all that a settle needs to know, whoever runs it.
 */
#include <sys/types.h>

#include "agentctl/cleanup.h"
#include "agentctl/facts.h"
#include "agentctl/hold.h"
#include "protocol/journal.h"
#include "protocol/operation.h"
#include "protocol/request.h"

/* A checkpoint or a file of flags. */
#define CHANGE_FILE_MAX (STORE_FILE_MAX + CHECKPOINT_MAX)

struct change_side {
	bool exists; /* false: there is no such file */
	struct buffer bytes;
};

struct change_file {
	char *path;                  /* below root */
	struct change_side sides[3]; /* by enum operation_side; TRIAL: of a native change's store only */
	mode_t mode;                 /* of the old file, for the day it is to be made again */
	uid_t uid;
	gid_t gid;
};

struct change {
	struct host_settings host; /* with everything that was found out */
	char *log_dir;             /* where the agent will log, below root; NULL when not known */
	struct change_file checkpoint;
	struct change_file *store;
	size_t store_count;
	struct cleanup cleanup; /* of a discard */
	bool native;            /* the store has a third side, and the agent writes the checkpoint */
	bool may_amend;         /* resources may differ: figures that the agent itself gives may be taken */
	struct hold hold;
};
void change_clear(struct change *change);

/* Judges the request against the facts and builds what would be written. ERROR_CONFLICT: the host is not as the plan saw it;
 * ERROR_REFUSED: a rule says no; nothing is touched either way. out must be cleared. */
int change_build(const struct facts *facts, const struct request *request, struct change *out, struct error *err);
/* Is the host as it was seen? ERROR_CONFLICT says what is not. */
int change_check_expectation(const struct facts *facts, const struct request_expectation *seen, struct error *err);
/* For those who judge by other rules. Makes out of the host as it is, a new checkpoint and an edited store; flags are those the
 * agent would start with. */
void change_compose(const struct facts *facts, const struct buffer *checkpoint, const struct flag_store *edited,
		    const struct flags *flags, struct change *out);
/* Would the agent recover these bytes of slave.info when its flags give that SlaveInfo? ERROR_REFUSED with its own words. */
int change_check_recovery(const struct facts *facts, const struct buffer *checkpoint, const Mesos__SlaveInfo *computed,
			  struct error *err);
/* Can every file be written: folder writable, file system neither read-only nor full? */
int change_check_room(const struct change *change, struct error *err);

/* ---- native: see change_native.c */

/* Would the agent accept it by its own flags? ERROR_REFUSED with its words. */
int change_check_native(const struct facts *facts, const struct request *request, const Mesos__SlaveInfo *computed,
			struct error *err);
/* Adds the store with the temporary flags to a composed change. ERROR_REFUSED when they cannot be set for one start. */
int change_add_trial(const struct facts *facts, const struct request *request, struct change *change,
		     struct error *err);
/* When the checkpoint on disk says what is planned, it becomes the new side, in the journal too. */
int change_adopt_checkpoint(struct change *change, const struct journal_entry *entry, bool *adopted, struct error *err);

/* For the files of change: bytes are copied; bytes may be NULL when it does not exist. */
void change_set_side(struct change_side *side, bool exists, const struct buffer *bytes);
void change_set_owner(struct change_file *file, const char *root);

int change_save(const struct change *change, const struct journal_entry *entry, struct error *err);
int change_load(const struct journal_entry *entry, struct change *out, struct error *err);

/* Are all files what that side says? ERROR_CONFLICT names one that is not. */
int change_check_side(const struct change *change, enum operation_side side, struct error *err);
/* What was before comes after, and the other way round. */
void change_swap_sides(struct change *change);

/* Makes the files what that side says, durably. What is so already is not written. */
int change_write_checkpoint(const struct change *change, enum operation_side side, struct error *err);
int change_write_store(const struct change *change, enum operation_side side, struct error *err);

#endif
