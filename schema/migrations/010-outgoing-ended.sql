-- SPDX-License-Identifier: Apache-2.0
-- That a message was delivered is an event from now on, and its row is forgotten after a while. Of rows from before there is no
-- such event: they go now.
DELETE FROM outgoing WHERE outcome = 'delivered';
CREATE INDEX outgoing_ended ON outgoing (ended_ms) WHERE ended_ms IS NOT NULL;
