/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INVENTORY_SELECTOR_EVENT_H
#define INVENTORY_SELECTOR_EVENT_H
/*
 * What can be asked about an event of the ledger, a row `e` of events:
 *
 *	time seq actor run agent kind          as in the row; time as an age or a date
 *	hostname                               the agent's
 *	event from to                          of an agent's step: "proven", "proving", "soaking"; of a sync's: "new-id"
 *	config config_version plan             of a plan, a run and all its events
 *	killed                                 how many tasks the proof says were killed
 *	new_id                                 true: the agent came back with another ID
 *	changed                                what a step or a sync changed: rack, attributes.rack
 *	attribute.NAME resource.NAME           changed from or to a value: attribute.rack = 'r2'
 */
#include "inventory/selector_field.h"

int field_read_event(struct token_reader *reader, struct field *field);

#endif
