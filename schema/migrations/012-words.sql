-- SPDX-License-Identifier: Apache-2.0
-- Older versions kept what a receiver answered in its own words, whoever it was. A receiver may repeat what it was asked: of those that
-- have a secret, in a file or (as older versions took them) in the URL, the words go now and not only with the next attempt.
UPDATE outgoing SET error = 'it was not delivered (what was said of it is not kept: it may repeat a secret)' WHERE error IS NOT NULL
AND receiver IN (SELECT number FROM receivers WHERE secret_file IS NOT NULL OR url GLOB 'file:*' OR url GLOB '*[?@]*');
