-- Counts the entries that were trimmed from the stream before the group had read them: they are lost, and nothing else
-- tells of them. Each is counted once, whoever asks, by what must always hold:
--
--   entries ever added = baseline + acknowledged + pending + not delivered yet
--
-- where the baseline is what was gone before the group began, and what has been counted as lost.
--
-- KEYS  1 stream of events   2 delta log   3 head of the delta log
-- ARGV  1 group
-- Returns the number of entries that are newly known to be lost; 0 too where it cannot be told now, as some entries of
--         the stream are delivered and others are not: that is a matter of the moment
-- Cost  linear in the number of groups.

local events, deltas, head, group = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

local stream = fields_of(redis.call('XINFO', 'STREAM', events))
local read = read_group(events, group)
if not read then return redis.error_reply('NOGROUP expected consumer group ' .. group .. ' on ' .. events) end

local undelivered
if stream['length'] == 0 or not is_after(stream['last-generated-id'], read['last-delivered-id']) then
  undelivered = 0
elseif is_after(stream['first-entry'][1], read['last-delivered-id']) then
  undelivered = stream['length']
else
  return 0
end

local acknowledged = tonumber(redis.call('HGET', head, 'acknowledged') or '0')
local gone = stream['entries-added'] - acknowledged - read['pending'] - undelivered
local baseline = tonumber(redis.call('HGET', head, 'baseline') or gone)
redis.call('HSET', head, 'baseline', string.format('%.0f', gone))
local lost = gone - baseline
if lost <= 0 then return 0 end -- less is gone than was: the stream was deleted and begun anew

append_record(deltas, head, read_end(deltas, head), '', 'lost', lost)
return lost
