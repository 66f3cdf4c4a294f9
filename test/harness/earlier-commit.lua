-- How the version before a consumer per read commits a batch, with all that its script was loaded with, kept as it was: during
-- a rolling upgrade both ways of committing run beside each other. It knows nothing of runs.
--
-- KEYS  1 stream of events   2 delta log   3 head of the delta log   4 dead-letter stream
-- ARGV  1 group   2 consumer   3 delta, as text   4 number of entries   5 first ID   6 last ID   7 SHA-1 of all IDs
--       8 'live' or 'replayed'   9 … for each dead letter five values, and at last a nonce
-- Returns {'committed', <ID of the record>, <dead letters left out>, <that were written then>}, {'contested'}, or
--         {'repeated', <entries>}
-- Cost  about 1.5 us an entry.

local LARGEST_SEQ = '18446744073709551615'

local function fields_of(list)
  local fields = {}
  for i = 1, #list, 2 do fields[list[i]] = list[i + 1] end
  return fields
end

local function is_after(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  if #a_ms ~= #b_ms then return #a_ms > #b_ms end
  if a_ms ~= b_ms then return a_ms > b_ms end
  if #a_seq ~= #b_seq then return #a_seq > #b_seq end
  return a_seq > b_seq
end

local function increment(decimal)
  local nines = #string.match(decimal, '9*$')
  local kept, zeros = string.sub(decimal, 1, #decimal - nines), string.rep('0', nines)
  if kept == '' then return '1' .. zeros end
  return string.sub(kept, 1, -2) .. string.char(string.byte(kept, -1) + 1) .. zeros
end

local function decrement(decimal)
  local zeros = #string.match(decimal, '0*$')
  local kept, nines = string.sub(decimal, 1, #decimal - zeros), string.rep('9', zeros)
  local less = string.sub(kept, 1, -2) .. string.char(string.byte(kept, -1) - 1) .. nines
  return #less > 1 and string.match(less, '^0?(%d+)$') or less
end

local function before(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  if seq ~= '0' then return ms .. '-' .. decrement(seq) end
  if ms ~= '0' then return decrement(ms) .. '-' .. LARGEST_SEQ end
  return '0-0'
end

local function behind(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  if seq == LARGEST_SEQ then return increment(ms) .. '-0' end
  return ms .. '-' .. increment(seq)
end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function read_group(events, name)
  for _, list in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    local group = fields_of(list)
    if group['name'] == name then return group end
  end
end

local function acknowledged_to(events, group)
  if group['pending'] == 0 then return group['last-delivered-id'] end
  return before(redis.call('XPENDING', events, group['name'])[2])
end

local function require_permission(purpose, command, ...)
  if redis.acl_check_cmd(command, ...) then return end
  error({err = 'NOPERM this user has no permissions to run the ' .. command .. ' command, which ' .. purpose})
end

local function require_ids_left(key, last_id)
  if string.match(last_id, '^(%d+)') ~= LARGEST_SEQ then return end
  error({err = 'ERR ' .. key .. ': expected a stream with IDs left; its last ID is ' .. last_id .. '. Nothing was written'})
end

local NONCE = table.remove(ARGV)

local function read_end(deltas, head)
  redis.call('XLEN', deltas)
  local noted = redis.call('HMGET', head, 'position', 'tip', 'appended_bytes')
  local position = noted[1] or '0-0'
  local tip_position, nonce = string.match(noted[2] or '', '^(%S+) (%S+)$')
  if tip_position ~= position then nonce = '' end
  return {position = position, nonce = nonce, bytes = tonumber(noted[3] or '0') or 0}
end

local function append_record(deltas, head, previous, watermark, kind, text, mode, oldest)
  local record = redis.call('XADD', deltas, '*', 'previous', previous.position, 'watermark', watermark, kind, text,
    mode or 'replayed', oldest or '0-0', 'nonce', NONCE, 'previous_nonce', previous.nonce,
    'at_ms', string.format('%.0f', now_ms()))
  redis.call('HSET', head, 'position', record, 'tip', record .. ' ' .. NONCE,
    'appended_bytes', string.format('%.0f', previous.bytes + string.len(text)))
  if watermark ~= '' then redis.call('HSET', head, 'watermark', watermark) end
  return record
end

local UNDELIVERED_READ = 5

local function read_counter(head, name)
  local text = redis.call('HGET', head, name)
  if not text then return nil end
  if (text ~= '0' and not string.match(text, '^%-?[1-9]%d*$')) or #text > 16 then
    error({err = 'ERR ' .. head .. ': expected a whole number in field ' .. name .. '; found "' .. text
      .. '". Nothing was written. Something else has changed this key'})
  end
  return tonumber(text)
end

local function require_delta_log(purpose, deltas, head, previous)
  require_ids_left(deltas, previous.position)
  require_permission(purpose, 'XADD', deltas, '*', 'delta', '')
  require_permission(purpose, 'HSET', head, 'position', '')
  require_permission(purpose, 'HINCRBY', head, 'acknowledged', '1')
end

local function count_undelivered(events, stream, last_delivered)
  if stream['length'] == 0 or not is_after(stream['last-generated-id'], last_delivered) then return 0 end
  local first = stream['first-entry'][1]
  if is_after(first, last_delivered) then return stream['length'], first end
  local found = redis.call('XRANGE', events, '(' .. last_delivered, '+', 'COUNT', UNDELIVERED_READ)
  if #found == 0 then return 0 end
  return #found < UNDELIVERED_READ and #found or nil, found[1][1]
end

local function first_possible(stream)
  return stream['first-entry'] and stream['first-entry'][1] or stream['last-generated-id']
end

local function is_another_stream(stream, added, first, last)
  if not (added and first and last) then return false end
  local more = stream['entries-added'] - tonumber(added)
  if more < 0 or is_after(last, stream['last-generated-id']) or is_after(first, first_possible(stream)) then return true end
  return more > 0 and not is_after(stream['last-generated-id'], last)
end

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
  redis.call('XACK', events, group, '0-0') -- refused by a Redis that takes no writes
  return {'checked'}
end

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
