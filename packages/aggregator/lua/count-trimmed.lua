-- Counts the entries that were trimmed from the stream before the group had read them: they are lost, and nothing else
-- reports them. Each is counted once, whichever aggregator asks, by the rule in counters.lua.
--
-- KEYS  1 stream of events   2 delta log   3 head of the delta log
-- ARGV  1 group
-- Returns {<entries newly known to be lost>, <1 if this is another stream than before, else 0>}. No entry is counted if the
--         number cannot be known now: some entries are delivered and others are not, or folded entries are delivered again.
-- Cost  linear in the number of groups.

local events, deltas, head, group = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

local stream = fields_of(redis.call('XINFO', 'STREAM', events))
local read = read_group(events, group)
if not read then return redis.error_reply('NOGROUP expected consumer group ' .. group .. ' on ' .. events) end

local previous = read_end(deltas, head)
local acknowledged, baseline = read_counter(head, 'acknowledged') or 0, read_counter(head, 'baseline')
local seen = redis.call('HMGET', head, 'stream_added', 'stream_first', 'stream_last', 'watermark', 'runs')
local watermark = seen[4]

-- The group was moved back or created again: folded or pending entries will be delivered again.
local runs, delivered = parse_runs(seen[5]), read['last-delivered-id']
if watermark and is_after(watermark, delivered) then return {0, 0} end
if runs[1] and is_after(runs[#runs], delivered) then return {0, 0} end
if read['pending'] > 0 then
  local function is_any_pending(first, last) return #redis.call('XPENDING', events, group, first, last, 1) > 0 end
  if watermark and is_any_pending('-', watermark) then return {0, 0} end
  if is_any_pending('(' .. delivered, '+') then return {0, 0} end
  for at = 1, #runs, 2 do
    if is_any_pending(runs[at], runs[at + 1]) then return {0, 0} end
  end
end
local undelivered = count_undelivered(events, stream, read['last-delivered-id'])
if not undelivered then return {0, 0} end

local gone = stream['entries-added'] - acknowledged - read['pending'] - undelivered
local replaced = is_another_stream(stream, seen[1], seen[2], seen[3])
local lost = (replaced or not baseline) and 0 or math.max(0, gone - baseline)

require_delta_log('counts entries that were trimmed', deltas, head, previous)
if lost > 0 then append_record(deltas, head, previous, '', 'lost', lost) end
redis.call('HSET', head, 'baseline', string.format('%.0f', gone), 'stream_added', stream['entries-added'],
  'stream_first', first_possible(stream), 'stream_last', stream['last-generated-id'])
return {lost, replaced and 1 or 0}
