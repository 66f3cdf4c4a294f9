-- Commits a batch: acknowledges its entries, appends their counts to the delta log, and appends its dead letters. Writes
-- nothing unless every entry is still pending for this consumer.
--
-- KEYS  1 stream of events   2 delta log   3 head of the delta log   4 dead-letter stream
-- ARGV  1 group   2 consumer   3 delta, as text   4 number of entries; 0 checks whether a batch could be committed
--       5 first ID   6 last ID
--       7 SHA-1 of all IDs, ascending, separated by spaces: it identifies a batch of thousands without a list
--       8 'live', or 'replayed' if the generation is being built; it is written into the record with the first ID
--       9 … for each dead letter five values: entry_id, index ('' for a flat entry), reason, detail, fields
-- Returns {'committed', <ID of the record in the delta log>, <number of dead letters left out>, <number written>},
--         {'contested'}, or {'repeated', <entries>}: this number of entries at the start of the batch were folded before; they
--         are acknowledged without effect, and nothing else is done. {'checked'} for a batch of 0 entries.
-- Cost  about 1.5 us per entry and 3 us per dead letter. Lua does not roll back: everything is checked before the first write.

local events, deltas, head, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, consumer, delta, n = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local FIRST_DEAD = 9
local ACK_CHUNK = 4000 -- unpack fails at about 8,000 values
local PURPOSE = 'commits a batch'

local ids = {}
for i, entry in ipairs(redis.call('XPENDING', events, group, ARGV[5], ARGV[6], n, consumer)) do ids[i] = entry[1] end
if #ids ~= n or redis.sha1hex(table.concat(ids, ' ')) ~= ARGV[7] then return {'contested'} end

local function acknowledge(count)
  for from = 1, count, ACK_CHUNK do
    redis.call('XACK', events, group, unpack(ids, from, math.min(from + ACK_CHUNK - 1, count)))
  end
end

-- Lua does not roll back: a key of a wrong type, a counter that is not a number, or a command that the user may not run, is
-- found before the first write.
local previous = read_end(deltas, head)
read_counter(head, 'acknowledged')
local noted = redis.call('HMGET', head, 'dead_letters_after', 'dead_letters_until', 'watermark')
local dead_after, dead_until, folded_to = noted[1], noted[2], noted[3]
redis.call('XLEN', dead)
require_permission(PURPOSE, 'XACK', events, group, '0-0')
require_permission(PURPOSE, 'XADD', dead, '*', 'reason', '')
require_permission(PURPOSE, 'XINFO', 'GROUPS', events)
require_delta_log(PURPOSE, deltas, head, previous)
if ARGV[FIRST_DEAD] and redis.call('EXISTS', dead) == 1 then
  require_ids_left(dead, fields_of(redis.call('XINFO', 'STREAM', dead))['last-generated-id'])
end

if n == 0 then
  redis.call('XACK', events, group, '0-0') -- refused by a Redis that accepts no writes
  return {'checked'}
end

-- Everything up to the watermark is folded. If it is delivered again, somebody has moved the group back.
if folded_to and not is_after(ids[1], folded_to) then
  local repeated = 1
  while ids[repeated + 1] and not is_after(ids[repeated + 1], folded_to) do repeated = repeated + 1 end
  acknowledge(repeated)
  return {'repeated', repeated}
end

acknowledge(n)
local watermark = acknowledged_to(events, read_group(events, group))
if folded_to and is_after(folded_to, watermark) then watermark = folded_to end
local record = append_record(deltas, head, previous, watermark, 'delta', delta, ARGV[8], ARGV[5])
redis.call('HINCRBY', head, 'acknowledged', n)

-- Another generation writes the dead letters of the other entries.
local function is_ours(entry_id)
  if dead_after == '+' then return false end
  if dead_after and not is_after(entry_id, dead_after) then return false end
  return not (dead_until and is_after(entry_id, dead_until))
end

local left_out, written = 0, 0
for i = FIRST_DEAD, #ARGV, 5 do
  if is_ours(ARGV[i]) then
    local fields = {'entry_id', ARGV[i], 'reason', ARGV[i + 2], 'detail', ARGV[i + 3], 'fields', ARGV[i + 4]}
    if ARGV[i + 1] ~= '' then
      fields[#fields + 1] = 'index'
      fields[#fields + 1] = ARGV[i + 1]
    end
    redis.call('XADD', dead, '*', unpack(fields))
    written = written + 1
  elseif written == 0 then
    left_out = left_out + 1
  end
end

return {'committed', record, left_out, written}
