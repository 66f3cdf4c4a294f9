-- Appends a batch of events as one entry, each event at most once: events appended before, by an attempt whose reply was
-- lost or under the event's own id, are left out.
--
-- KEYS  1 stream of events
--       2 events' own ids; a sorted set, member <swarm_id> <id>, score the Redis time (ms) at which it is forgotten
--       3 the publisher's last batch; a string '<number> <entry ID> <duplicates>' that expires
-- ARGV  1 number of the batch, higher than that of each batch before   2 window, ms: how long ids and batches are remembered
--       3 Redis time (ms) after which this call must not append
--       4 'flat', then 5 member ('' without an id) 6 … fields and values of the one event (at most 1,000 values)
--         or 'events', then for each of at most 1,000 parts two values: member ('' without an id), events as JSON texts
--         joined by commas (exactly one event if there is a member)
-- Returns {'appended' or 'repeated', <entry ID, '' if all were duplicates>, <numbers from 1 of the parts left out, joined
--         by commas>, <Redis time, ms>}; or {'late', '', '', <Redis time, ms>} and nothing was appended
-- Cost  constant, and linear in the events with an id. Lua does not roll back: everything that can fail comes before the append.

local stream, ids, last_batch = KEYS[1], KEYS[2], KEYS[3]
local number, window, deadline, form = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local CLEAN_LEAST = 100 -- a call removes expired ids: up to twice the number that it adds, plus this number

local now = now_ms()
local now_text = string.format('%.0f', now)

local last = redis.call('GET', last_batch)
if last then
  local last_number, entry_id, duplicates = string.match(last, '^(%d+) (%S*) (%S*)$')
  if tonumber(number) == tonumber(last_number) then return {'repeated', entry_id, duplicates, now} end
  if tonumber(number) < tonumber(last_number) then return {'late', '', '', now} end
end
if now > deadline then return {'late', '', '', now} end

local members = {}
for i = 5, form == 'flat' and 5 or #ARGV, 2 do
  if ARGV[i] ~= '' then members[#members + 1] = ARGV[i] end
end

local forgotten_at = {}
if #members > 0 then
  local scores = redis.call('ZMSCORE', ids, unpack(members))
  for i, member in ipairs(members) do forgotten_at[member] = scores[i] and tonumber(scores[i]) or 0 end
end

-- A user who may append but not remember ids would append again with each retry.
local PURPOSE = 'remembers what was published'
require_permission(PURPOSE, 'SET', last_batch, '', 'PX', '1')
if #members > 0 then
  require_permission(PURPOSE, 'ZADD', ids, '0', '')
  require_permission(PURPOSE, 'ZRANGEBYSCORE', ids, '0', '0')
  require_permission(PURPOSE, 'ZREM', ids, '')
end

local forget_at = string.format('%.0f', now + window)
local texts, added, duplicates = {}, {}, {}
local function is_new(member)
  if member == '' then return true end
  if forgotten_at[member] > now then return false end
  forgotten_at[member] = now + window
  added[#added + 1] = forget_at
  added[#added + 1] = member
  return true
end

local entry_id = ''
if form == 'flat' then
  if is_new(ARGV[5]) then
    entry_id = redis.call('XADD', stream, '*', unpack(ARGV, 6))
  else
    duplicates[1] = 1
  end
else
  for i = 5, #ARGV, 2 do
    if is_new(ARGV[i]) then
      texts[#texts + 1] = ARGV[i + 1]
    else
      duplicates[#duplicates + 1] = (i - 3) / 2
    end
  end
  if #texts > 0 then
    entry_id = redis.call('XADD', stream, '*', 'events', '[' .. table.concat(texts, ',') .. ']')
  end
end

local left_out = table.concat(duplicates, ',')
redis.call('SET', last_batch, number .. ' ' .. entry_id .. ' ' .. left_out, 'PX', window)
if #members > 0 then
  if #added > 0 then redis.call('ZADD', ids, unpack(added)) end
  local expired = redis.call('ZRANGEBYSCORE', ids, '-inf', now_text, 'LIMIT', 0, #added + CLEAN_LEAST)
  if #expired > 0 then redis.call('ZREM', ids, unpack(expired)) end
end

return {'appended', entry_id, left_out, now}
