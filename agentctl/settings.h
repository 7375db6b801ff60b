/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENTCTL_SETTINGS_H
#define AGENTCTL_SETTINGS_H
/* The host's settings from command line options, for use by hand. */
#include "base/error.h"
#include "mesos/host.h"

struct settings_options {
	const char *root, *work_dir, *state_dir;
	const char *store; /* "envfile:PATH" or "directory:PATH" */
	const char *unit;
};

/* host must be cleared; what is not given has its default. Checked like a request's settings. */
int settings_from_options(const struct settings_options *given, struct host_settings *host, struct error *err);

#endif
