-- Measures how far folding lags behind publishing on one shard. Writes nothing.
--
-- KEYS  1 stream of events   2 head of the delta log
-- ARGV  1 group
-- Returns {<entries in the stream>, <not delivered yet>, <pending>, <consumers of the group>, <oldest pending entry, or ''>,
--         <time since its last delivery, ms>, <number of its deliveries>, <oldest undelivered entry, or ''>,
--         <last ID of the stream>, <clock of Redis, ms, as text>}
-- Cost  linear in the number of groups; reads a few entries.

local COUNTED_ONE_BY_ONE = 100

local events, head, group = KEYS[1], KEYS[2], ARGV[1]

-- So that the error names the command: the error of redis.call in a script does not.
require_permission('measures the lag', 'xpending', events, group)
require_permission('measures the lag', 'xinfo', 'groups', events)

local read = redis.call('EXISTS', events) == 1 and read_group(events, group)
if not read then
  return redis.error_reply('NOGROUP expected consumer group ' .. group .. ' on ' .. events .. '; there is none')
end
local stream = fields_of(redis.call('XINFO', 'STREAM', events))
local undelivered, next_id = count_undelivered(events, stream, read['last-delivered-id'])
if not undelivered then
  -- XINFO's own lag is too large after XTRIM and unknown after XDEL: then more entries are counted one by one.
  local baseline = read_counter(head, 'baseline')
  local acknowledged = read_counter(head, 'acknowledged') or 0
  undelivered = math.min(stream['length'], read['lag'] or stream['length'])
  if not read['lag'] then
    local found = #redis.call('XRANGE', events, '(' .. read['last-delivered-id'], '+', 'COUNT', COUNTED_ONE_BY_ONE)
    if found < COUNTED_ONE_BY_ONE then undelivered = found end
  end
  if baseline then
    undelivered = math.min(undelivered, stream['entries-added'] - baseline - acknowledged - read['pending'])
  end
  undelivered = math.max(undelivered, 1)
end

local oldest = read['pending'] > 0 and redis.call('XPENDING', events, group, '-', '+', 1)[1] or {'', '', 0, 0}
return {stream['length'], undelivered, read['pending'], read['consumers'], oldest[1], oldest[3], oldest[4], next_id or '',
  stream['last-generated-id'], string.format('%.0f', now_ms())}
