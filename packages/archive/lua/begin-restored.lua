-- Prepares a stream for the entries of an archive that began late, or has a gap: makes it count the entries that the archive
-- never had, so that archive and stream continue each other. Also removes the group that a restore of an earlier version
-- left behind if it was killed, and that would keep the stream from ever being trimmed. Repeating it changes nothing.
--
-- KEYS  1 stream of events
-- ARGV  1 the ID that the stream has reached, or ''   2 entries that were ever added to it up to there
-- Returns 1 if the count was changed, else 0
-- Cost  linear in the number of groups.

local events, id, added = KEYS[1], ARGV[1], ARGV[2]
local GROUP = 'restore' -- XGROUP CREATE is the only command that makes an empty stream, and needs a group

local exists = redis.call('EXISTS', events) == 1
local stream = exists and fields_of(redis.call('XINFO', 'STREAM', events))
local outdated = id ~= '' and not (stream and stream['entries-added'] >= tonumber(added))
local left = exists and read_group(events, GROUP)
local abandoned = left and left['consumers'] == 0 and left['last-delivered-id'] == '0-0'
local purpose = 'restores entries that are missing from the archive'
if outdated then require_permission(purpose, 'XSETID', events, id) end
if outdated and not exists then require_permission(purpose, 'XGROUP', 'CREATE', events, GROUP, '0') end
if abandoned or (outdated and not exists) then require_permission(purpose, 'XGROUP', 'DESTROY', events, GROUP) end

if outdated and not exists then redis.call('XGROUP', 'CREATE', events, GROUP, '0', 'MKSTREAM') end
if outdated then redis.call('XSETID', events, id, 'ENTRIESADDED', added, 'MAXDELETEDID', '0-0') end
if abandoned or (outdated and not exists) then redis.call('XGROUP', 'DESTROY', events, GROUP) end
return outdated and 1 or 0
