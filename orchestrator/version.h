/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_VERSION_H
#define ORCHESTRATOR_VERSION_H
/* What `rollcall --version` says, and every event of the ledger. */
#define ROLLCALL_VERSION "0.2.0"

#endif
