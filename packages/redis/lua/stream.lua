-- Facts about streams for Lua, and the arithmetic of entry IDs. Scripts that need it are loaded with this file before them. IDs
-- are decimals of up to 20 digits: they are compared and counted digit by digit, because a double holds only 53 bits.

local LARGEST_SEQ = '18446744073709551615'

-- A reply of the form name, value, name, value … as a table.
local function fields_of(list)
  local fields = {}
  for i = 1, #list, 2 do fields[list[i]] = list[i + 1] end
  return fields
end

-- True if entry ID a comes after b.
local function is_after(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  if #a_ms ~= #b_ms then return #a_ms > #b_ms end
  if a_ms ~= b_ms then return a_ms > b_ms end
  if #a_seq ~= #b_seq then return #a_seq > #b_seq end
  return a_seq > b_seq
end

-- The decimal after this one.
local function increment(decimal)
  local nines = #string.match(decimal, '9*$')
  local kept, zeros = string.sub(decimal, 1, #decimal - nines), string.rep('0', nines)
  if kept == '' then return '1' .. zeros end
  return string.sub(kept, 1, -2) .. string.char(string.byte(kept, -1) + 1) .. zeros
end

-- The decimal before this one, which is not 0.
local function decrement(decimal)
  local zeros = #string.match(decimal, '0*$')
  local kept, nines = string.sub(decimal, 1, #decimal - zeros), string.rep('9', zeros)
  local less = string.sub(kept, 1, -2) .. string.char(string.byte(kept, -1) - 1) .. nines
  return #less > 1 and string.match(less, '^0?(%d+)$') or less
end

-- The greatest ID before this one; there is none before '0-0'.
local function before(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  if seq ~= '0' then return ms .. '-' .. decrement(seq) end
  if ms ~= '0' then return decrement(ms) .. '-' .. LARGEST_SEQ end
  return '0-0'
end

-- The smallest ID after this one.
local function behind(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  if seq == LARGEST_SEQ then return increment(ms) .. '-0' end
  return ms .. '-' .. increment(seq)
end

-- The clock of Redis, ms.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- The reply of XINFO for a consumer group, or nil if the stream has no such group. XINFO fails if there is no stream.
local function read_group(events, name)
  for _, list in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    local group = fields_of(list)
    if group['name'] == name then return group end
  end
end

-- The entry up to which a group has acknowledged everything: nothing up to it can arrive any more.
local function acknowledged_to(events, group)
  if group['pending'] == 0 then return group['last-delivered-id'] end
  return before(redis.call('XPENDING', events, group['name'])[2])
end

-- Lua does not roll back: a command that this user may not run is found before the first write.
local function require_permission(purpose, command, ...)
  if redis.acl_check_cmd(command, ...) then return end
  error({err = 'NOPERM this user has no permissions to run the ' .. command .. ' command, which ' .. purpose})
end

-- Fails if a stream whose last ID this is has reached the last millisecond: its IDs may run out in the middle of a step.
local function require_ids_left(key, last_id)
  if string.match(last_id, '^(%d+)') ~= LARGEST_SEQ then return end
  error({err = 'ERR ' .. key .. ': expected a stream with IDs left; its last ID is ' .. last_id .. '. Nothing was written'})
end
