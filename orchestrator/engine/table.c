/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agents' machine. An agent that must come back as meant walks
 * waiting → checking → changing → returning → proving → soaking → (gating →) done; every other row is what may go wrong there
 * and what follows. A pair of state and event without a row is ignored: the late word of a conversation that is over.
 */
#include "orchestrator/engine/engine.h"

const struct engine_row engine_table[] = {
	/* state, event, next, effect, pause, why */
	{AGENT_WAITING, EVENT_TURN, AGENT_CHECKING, EFFECT_LOOK, false, "a slot is free"},

	{AGENT_CHECKING, EVENT_CLEAR, AGENT_CHANGING, EFFECT_APPLY, false, "it is as the plan saw it"},
	{AGENT_CHECKING, EVENT_UNFIT, AGENT_FAILED, EFFECT_NONE, false,
	 "it is not as the plan saw it; nothing was changed"},
	{AGENT_CHECKING, EVENT_TIMEOUT, AGENT_WAITING, EFFECT_NONE, true, "no master answered"},
	{AGENT_CHECKING, EVENT_HALT, AGENT_WAITING, EFFECT_NONE, false,
	 "the run stopped, or the room was gone, before the intent"},
	{AGENT_CHECKING, EVENT_RESUME, AGENT_WAITING, EFFECT_NONE, false, "nothing was intended yet"},

	{AGENT_CHANGING, EVENT_STARTED, AGENT_RETURNING, EFFECT_NONE, false, "its new process runs"},
	{AGENT_CHANGING, EVENT_REFUSED, AGENT_FAILED, EFFECT_NONE, false, "agentctl refused; nothing was changed"},
	{AGENT_CHANGING, EVENT_UNDONE, AGENT_REVERTING, EFFECT_NONE, false, "agentctl took it back"},
	{AGENT_CHANGING, EVENT_HOST_STUCK, AGENT_STUCK, EFFECT_NONE, true, "agentctl could start neither state"},
	{AGENT_CHANGING, EVENT_UNSENT, AGENT_FAILED, EFFECT_NONE, false,
	 "its host was not reached; nothing was changed"},
	{AGENT_CHANGING, EVENT_LOST, AGENT_UNKNOWN, EFFECT_ASK, false, "the connection was lost"},
	{AGENT_CHANGING, EVENT_TIMEOUT, AGENT_UNKNOWN, EFFECT_ASK, false, "agentctl says nothing"},
	{AGENT_CHANGING, EVENT_RESUME, AGENT_UNKNOWN, EFFECT_ASK, false, "its host must be asked"},

	{AGENT_RETURNING, EVENT_RETURNED, AGENT_PROVING, EFFECT_NONE, false, "it reregistered"},
	{AGENT_RETURNING, EVENT_STARTED, AGENT_RETURNING, EFFECT_NONE, false, "its new process runs"},
	{AGENT_RETURNING, EVENT_HOST_DONE, AGENT_RETURNING, EFFECT_NONE, false, "agentctl kept it by itself"},
	{AGENT_RETURNING, EVENT_UNDONE, AGENT_REVERTING, EFFECT_NONE, false, "agentctl took it back"},
	{AGENT_RETURNING, EVENT_HOST_STUCK, AGENT_STUCK, EFFECT_NONE, true, "agentctl could start neither state"},
	{AGENT_RETURNING, EVENT_DISPROVEN, AGENT_STUCK, EFFECT_KEEP, true, "it came back as something else"},
	{AGENT_RETURNING, EVENT_LOST, AGENT_UNKNOWN, EFFECT_ASK, false, "the connection was lost"},
	{AGENT_RETURNING, EVENT_TIMEOUT, AGENT_STUCK, EFFECT_NONE, true,
	 "it runs, but the master did not show it again in time"},
	{AGENT_RETURNING, EVENT_RESUME, AGENT_UNKNOWN, EFFECT_ASK, false, "its host must be asked"},

	{AGENT_PROVING, EVENT_PROVEN, AGENT_SOAKING, EFFECT_KEEP, false, "every line of the proof holds"},
	{AGENT_PROVING, EVENT_DISPROVEN, AGENT_STUCK, EFFECT_KEEP, true, "it did not come back as meant"},
	{AGENT_PROVING, EVENT_HOST_DONE, AGENT_PROVING, EFFECT_NONE, false, "agentctl kept it by itself"},
	{AGENT_PROVING, EVENT_UNDONE, AGENT_REVERTING, EFFECT_NONE, false, "agentctl took it back"},
	{AGENT_PROVING, EVENT_HOST_STUCK, AGENT_STUCK, EFFECT_NONE, true, "agentctl could start neither state"},
	{AGENT_PROVING, EVENT_LOST, AGENT_UNKNOWN, EFFECT_ASK, false, "the connection was lost"},
	{AGENT_PROVING, EVENT_TIMEOUT, AGENT_STUCK, EFFECT_KEEP, true, "the proof stayed incomplete"},
	{AGENT_PROVING, EVENT_RESUME, AGENT_UNKNOWN, EFFECT_ASK, false, "its host must be asked"},

	{AGENT_SOAKING, EVENT_HOST_DONE, AGENT_SOAKING, EFFECT_NONE, false, "agentctl kept it"},
	{AGENT_SOAKING, EVENT_SOAKED, AGENT_DONE, EFFECT_NONE, false, "proven and kept"},
	{AGENT_SOAKING, EVENT_GATES, AGENT_GATING, EFFECT_GATE, false, "proven and kept; the gates after it are asked"},
	{AGENT_SOAKING, EVENT_UNDONE, AGENT_REVERTING, EFFECT_NONE, false, "agentctl took it back"},
	{AGENT_SOAKING, EVENT_HOST_STUCK, AGENT_STUCK, EFFECT_NONE, true, "agentctl could start neither state"},
	{AGENT_SOAKING, EVENT_LOST, AGENT_UNKNOWN, EFFECT_ASK, false,
	 "the connection was lost before agentctl said done"},
	{AGENT_SOAKING, EVENT_TIMEOUT, AGENT_UNKNOWN, EFFECT_ASK, false, "agentctl did not say done"},
	{AGENT_SOAKING, EVENT_RESUME, AGENT_UNKNOWN, EFFECT_ASK, false, "its host must be asked"},

	{AGENT_UNKNOWN, EVENT_OPEN, AGENT_CHANGING, EFFECT_NONE, false, "the operation is under way there"},
	{AGENT_UNKNOWN, EVENT_STARTED, AGENT_RETURNING, EFFECT_NONE, false, "its new process runs"},
	{AGENT_UNKNOWN, EVENT_UNDONE, AGENT_REVERTING, EFFECT_NONE, false, "agentctl took it back"},
	{AGENT_UNKNOWN, EVENT_HOST_STUCK, AGENT_STUCK, EFFECT_NONE, true, "agentctl could start neither state"},
	{AGENT_UNKNOWN, EVENT_ABSENT, AGENT_WAITING, EFFECT_NONE, false, "the operation never began there"},
	{AGENT_UNKNOWN, EVENT_NEVER, AGENT_FAILED, EFFECT_NONE, false,
	 "its requests are lost again and again before anything begins there; nothing was changed"},
	{AGENT_UNKNOWN, EVENT_REFUSED, AGENT_STUCK, EFFECT_NONE, true, "its host refuses to answer us"},
	{AGENT_UNKNOWN, EVENT_LOST, AGENT_UNKNOWN, EFFECT_NONE, false, "its host did not answer; it is asked again"},
	{AGENT_UNKNOWN, EVENT_UNSENT, AGENT_UNKNOWN, EFFECT_NONE, false, "its host did not answer; it is asked again"},
	{AGENT_UNKNOWN, EVENT_TIMEOUT, AGENT_STUCK, EFFECT_NONE, true, "its host gave no answer that settles it"},
	{AGENT_UNKNOWN, EVENT_RESUME, AGENT_UNKNOWN, EFFECT_ASK, false, "its host must be asked"},

	{AGENT_REVERTING, EVENT_PROVEN, AGENT_REVERTED, EFFECT_NONE, false, "it is as it was"},
	{AGENT_REVERTING, EVENT_DISPROVEN, AGENT_STUCK, EFFECT_NONE, true, "it is not as it was"},
	{AGENT_REVERTING, EVENT_TIMEOUT, AGENT_STUCK, EFFECT_NONE, true, "it was not proven to be as it was"},
	{AGENT_REVERTING, EVENT_RESUME, AGENT_UNKNOWN, EFFECT_ASK, false, "its host must be asked"},

	{AGENT_GATING, EVENT_GATE_PASSED, AGENT_DONE, EFFECT_NONE, false, "proven, kept, and its gates have passed"},
	{AGENT_GATING, EVENT_GATE_FAILED, AGENT_REJECTED, EFFECT_NONE, false, "a gate after it has failed"},
	{AGENT_GATING, EVENT_GATE_OPEN, AGENT_GATING, EFFECT_NONE, true,
	 "a gate after it gave no answer that settles it"},
	{AGENT_GATING, EVENT_TIMEOUT, AGENT_GATING, EFFECT_NONE, true, "the gates after it took too long"},
	{AGENT_GATING, EVENT_RESUME, AGENT_GATING, EFFECT_GATE, false, "the gates after it are asked again"},

	{AGENT_STUCK, EVENT_RESUME, AGENT_UNKNOWN, EFFECT_ASK, false, "its host must be asked"},
	{AGENT_STUCK, EVENT_RETRY, AGENT_UNKNOWN, EFFECT_ASK, false, "its host must be asked"},
	{AGENT_FAILED, EVENT_RETRY, AGENT_WAITING, EFFECT_NONE, false, "the operator wants it tried again"},
	{AGENT_REVERTED, EVENT_RETRY, AGENT_WAITING, EFFECT_NONE, false, "the operator wants it tried again"},
	{AGENT_REJECTED, EVENT_RETRY, AGENT_GATING, EFFECT_GATE, false, "the gates after it are asked again"},
};

const size_t engine_table_size = sizeof engine_table / sizeof engine_table[0];
