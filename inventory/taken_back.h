/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_TAKEN_BACK_H
#define INVENTORY_TAKEN_BACK_H
/*
 * SQL that is true of an agent `x` (a row of run_agents) of a run `r`: a rollback of that run has put the agent back, so
 * that what the run left it with counts no more. Wherever a config is asked for that an agent was left with.
 */
#define TAKEN_BACK                                                                                                     \
	"EXISTS (SELECT 1 FROM runs b JOIN run_agents y ON y.run = b.id WHERE b.rolls_back = r.id AND y.agent = "      \
	"x.agent AND y.state = 'done')"

#endif
