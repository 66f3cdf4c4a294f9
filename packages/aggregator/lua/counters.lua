-- The counters in the head of a delta log, and what they mean for the stream. One rule always holds:
--
--   entries ever added = baseline + acknowledged + pending + not delivered yet
--
-- The baseline is the number of entries that were gone before the group began, plus those counted as lost. The rule holds within
-- one stream: see is_another_stream. Scripts that need this are loaded with stream.lua and this file before them.

-- The most entries that are read to count those not delivered yet: each may hold 1 MiB.
local UNDELIVERED_READ = 5

-- A whole number in the head, or nil if it is missing. Fails if it is not a whole number: HINCRBY would fail on it later, in
-- the middle of a step.
local function read_counter(head, name)
  local text = redis.call('HGET', head, name)
  if not text then return nil end
  if (text ~= '0' and not string.match(text, '^%-?[1-9]%d*$')) or #text > 16 then
    error({err = 'ERR ' .. head .. ': expected a whole number in field ' .. name .. '; found "' .. text
      .. '". Nothing was written. Something else has changed this key'})
  end
  return tonumber(text)
end

-- Fails if this user may not append to the delta log or count in its head, or if the log has no ID left.
local function require_delta_log(purpose, deltas, head, previous)
  require_ids_left(deltas, previous.position)
  require_permission(purpose, 'XADD', deltas, '*', 'delta', '')
  require_permission(purpose, 'HSET', head, 'position', '')
  require_permission(purpose, 'HINCRBY', head, 'acknowledged', '1')
end

-- The number of entries after the last delivered one, and the first of them. The number is nil if it is expensive to count:
-- some entries of the stream are delivered, and more than a few are not. `stream` is the reply of XINFO STREAM.
local function count_undelivered(events, stream, last_delivered)
  if stream['length'] == 0 or not is_after(stream['last-generated-id'], last_delivered) then return 0 end
  local first = stream['first-entry'][1]
  if is_after(first, last_delivered) then return stream['length'], first end
  local found = redis.call('XRANGE', events, '(' .. last_delivered, '+', 'COUNT', UNDELIVERED_READ)
  if #found == 0 then return 0 end
  return #found < UNDELIVERED_READ and #found or nil, found[1][1]
end

-- The smallest ID that an entry of this stream can have.
local function first_possible(stream)
  return stream['first-entry'] and stream['first-entry'][1] or stream['last-generated-id']
end

-- True if this cannot be the stream that was seen last. At that time `added` entries had ever been added to it, `first` was
-- the smallest ID that it could hold and `last` the last ID given. In one stream none of these ever decreases, and no entry
-- is added without a new ID. So a stream that was deleted, renamed or restored does not inherit the counts of another one.
local function is_another_stream(stream, added, first, last)
  if not (added and first and last) then return false end
  local more = stream['entries-added'] - tonumber(added)
  if more < 0 or is_after(last, stream['last-generated-id']) or is_after(first, first_possible(stream)) then return true end
  return more > 0 and not is_after(stream['last-generated-id'], last)
end
