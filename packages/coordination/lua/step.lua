-- A step: the writes and events of one call, collected first, checked as a whole, and only then done. Lua does not roll
-- back, so a step that fails at its second write would leave half of its work behind.
--
--   local step = begin_step(keys)
--   plan(step, {'HSET', key, 'state', 'stale'})    a write, as for redis.call; must not depend on an earlier one
--   plan_event(step, {'type', 'heartbeat.stale', …})
--   plan_ring(step, name, …)                       wakes a coordinator that waits for ACKs
--   run_step(step)
--
-- Nothing else writes during a step. run_step fails before its first write if a key has another type than its command needs,
-- the user may not run a command on one of its keys, or the stream of events cannot take more entries. Then it writes to the
-- streams, and removes these entries again if one of the streams has no entry ID left; then it does all other writes, which
-- can no longer fail: if a write depends on a value (HINCRBY, XGROUP CREATE), the caller checks the value first.

-- The commands that a step may contain, and the key type that each needs.
local TYPE_NEEDED = {
  HSET = 'hash', HDEL = 'hash', HINCRBY = 'hash', ZADD = 'sorted set', ZREM = 'sorted set', SADD = 'set', SREM = 'set',
  XADD = 'stream', XACK = 'stream', XDEL = 'stream', XGROUP = 'stream', SET = 'string', PEXPIRE = 'any', UNLINK = 'any',
}
-- A cheap command that fails on a key of another type. TYPE would do, but users of the earlier version may not run it.
local TYPE_TEST = {hash = 'HLEN', ['sorted set'] = 'ZCARD', set = 'SCARD', stream = 'XLEN', string = 'GET'}

-- The beginning of the last thousand entry IDs, of 41 characters.
local ALMOST_LAST = '18446744073709551615-18446744073709551'

local function begin_step(keys)
  return {keys = keys, writes = {}, events = {}, rings = {}, allowed = {}, types = {}, checked_to = 0}
end

local function plan(step, write)
  local writes = step.writes
  writes[#writes + 1] = write
end

local function plan_event(step, event)
  local events = step.events
  events[#events + 1] = event
end

local function fail_not_allowed(command, key)
  error({err = 'NOPERM this user has no permissions to run ' .. command .. ' on ' .. key})
end

-- What follows the key in the shortest call of a command: Redis 8 checks the number of arguments before the permission.
local FURTHER_ARGUMENTS = {
  HSET = {'', ''}, HDEL = {''}, HINCRBY = {'', '1'}, ZADD = {'0', ''}, ZREM = {''}, SADD = {''}, SREM = {''},
  XADD = {'*', '', ''}, XACK = {'', '0-0'}, XDEL = {'0-0'}, SET = {''}, PEXPIRE = {'1'}, UNLINK = {},
}

-- True if the user may run this command on this key. A subcommand is one of XGROUP.
local function is_allowed(command, key, subcommand)
  if subcommand == 'CREATE' then return redis.acl_check_cmd(command, subcommand, key, '', '0') end
  if subcommand then return redis.acl_check_cmd(command, subcommand, key, '') end
  return redis.acl_check_cmd(command, key, unpack(FURTHER_ARGUMENTS[command]))
end

-- Plans entries for streams that differ in only a few values: set(entry, at) turns this XADD into that of keys[at]. The
-- caller checks the types of the keys.
local function plan_entries(step, keys, entry, set)
  step.appends = {keys = keys, entry = entry, set = set}
end

-- Fails unless the user may append to these streams, and remove the entries again if needed. Two questions are enough for
-- almost all users: may they do this on the first key, and may they write to all of the keys? If a user has selectors, which
-- allow some commands on some keys, the answer may be wrong: then Redis refuses one of the entries, and the others are
-- removed again.
local function check_appends(keys, taken_back)
  if is_allowed('XADD', keys[1]) and is_allowed('XDEL', keys[1])
    and (#keys == 1 or redis.acl_check_cmd('UNLINK', unpack(keys))) then return end
  for _, key in ipairs(keys) do
    if not is_allowed('XADD', key) then fail_not_allowed('XADD', key) end
    if taken_back and not is_allowed('XDEL', key) then fail_not_allowed('XDEL', key) end
  end
end

-- Plans events that differ in only one id, as JSON: the texts before and after it. Built this way, they cost a tenth.
local function plan_events_of(step, ids, head, tail)
  local entries = step.entries or {}
  for first = 1, #ids, EVENTS_AT_ONCE do
    local objects = table.concat(ids, tail .. ',' .. head, first, math.min(first + EVENTS_AT_ONCE - 1, #ids))
    entries[#entries + 1] = '[' .. head .. objects .. tail .. ']'
  end
  step.entries = entries
end

-- The caller has already read this key with a command of this type, which was the check.
local function know_type(step, key, of_type)
  step.types[key] = of_type
end

-- Wakes a coordinator that waits for the ACKs of a signal: `open` of them are missing. A coordinator whose life has ended
-- does not wait; a bell for it would be a key that nobody removes.
local function plan_ring(step, name, signal_id, iteration, receiver_id, open)
  need(step.keys, 'coordinator:' .. name, 'bell:' .. name)
  if not is_alive_in(redis.call('HGET', key_of(step.keys, 'coordinator:' .. name), 'state')) then return end
  local bell = key_of(step.keys, 'bell:' .. name)
  step.rings[#step.rings + 1] = {'XADD', bell, 'MAXLEN', '~', BELL_LENGTH, '*', 'signal_id', signal_id, 'iteration', iteration,
    'receiver_id', receiver_id, 'open', open}
end

-- Fails unless the key, if it exists, has this type. Returns the reply of the test: for a stream, its length.
local function check_type(step, key, needed)
  local found = redis.pcall(TYPE_TEST[needed], key)
  local failure = type(found) == 'table' and found['err']
  if failure and string.find(failure, '^WRONGTYPE') then
    error({err = 'WRONGTYPE ' .. key .. ': expected a ' .. needed .. '; found another type; nothing was written'})
  elseif failure then
    error({err = failure})
  end
  step.types[key] = needed
  return found
end

-- Fails unless the user may run this command on this key and the key, if it exists, has the type for it.
local function check_write(step, command, key, subcommand)
  if step.allowed[command] == key then return end
  local needed = TYPE_NEEDED[command] or fail('step: expected a known command; got ' .. command)
  if not step.types[key] and TYPE_TEST[needed] then check_type(step, key, needed) end
  if not is_allowed(command, key, subcommand) then fail_not_allowed(command, key) end
  step.allowed[command] = key
end

-- True if a stream has so few entry IDs left that a few hundred entries may be too many.
local function is_exhausted(key)
  if redis.call('EXISTS', key) == 0 then return false end
  local last = fields_of(redis.call('XINFO', 'STREAM', key))['last-generated-id']
  return string.sub(last, 1, #ALMOST_LAST) == ALMOST_LAST and #last == 41
end

-- Fails unless all of a step can be done. It may be called early, before more is planned: no write is checked twice.
local function check_step(step)
  if #step.events > 0 or step.entries then
    local events = step.keys.events
    step.types[events] = 'stream' -- XADD itself is the check: everything written before it can be removed again
    check_write(step, 'XADD', events)
    -- The same holds for the last ID if there is one entry; if there are several, the second one may find no ID left.
    local is_one = #step.events <= EVENTS_AT_ONCE and (not step.entries or #step.entries + #step.events == 1)
    if not is_one and not step.has_ids then
      if is_exhausted(events) then error({err = 'ERR ' .. events .. ': it has no entry IDs left; nothing was written'}) end
      step.has_ids = true
    end
  end
  local writes = step.writes
  for at = step.checked_to + 1, #writes do
    local write = writes[at]
    local command = write[1]
    if command == 'XGROUP' then
      check_write(step, 'XGROUP', write[3], write[2])
    elseif command == 'UNLINK' then
      for i = 2, #write do check_write(step, 'UNLINK', write[i]) end
    else
      check_write(step, command, write[2])
    end
  end
  step.checked_to = #writes
end

-- Removes entries again: key, ID, key, ID …
local function take_back(appended)
  for at = 1, #appended, 2 do redis.call('XDEL', appended[at], appended[at + 1]) end
  for at = 1, #appended, 2 do
    local key = appended[at]
    if redis.call('XLEN', key) == 0 and #redis.pcall('XINFO', 'GROUPS', key) == 0 then redis.call('UNLINK', key) end
  end
end

-- Appends one entry, or removes the earlier ones again. Returns true if its ID is not later than latest_ms.
local function append_entry(write, appended, latest_ms)
  local id = redis.pcall(unpack(write))
  if type(id) == 'table' then
    take_back(appended)
    error({err = id['err']})
  end
  appended[#appended + 1] = write[2]
  appended[#appended + 1] = id
  return not latest_ms or tonumber(string.match(id, '^%d+')) <= latest_ms
end

-- Does all writes to streams of a step, or none of them. Returns the appended entries, or nil if one got an ID later than
-- latest_ms.
local function append_entries(step, latest_ms)
  local appended, in_time, each = {}, true, step.appends
  for at = 1, each and #each.keys or 0 do
    each.set(each.entry, at)
    in_time = append_entry(each.entry, appended, latest_ms) and in_time
  end
  for at = 1, #step.writes do
    local write = step.writes[at]
    if write[1] == 'XADD' then in_time = append_entry(write, appended, latest_ms) and in_time end
  end
  if in_time then return appended end
  take_back(appended)
  return nil
end

local function append_all_events(step)
  if #step.events > 0 then append_events(step.keys, step.events) end
  if not step.entries then return end
  for at = 1, #step.entries do redis.call('XADD', step.keys.events, '*', 'events', step.entries[at]) end
end

-- Does all of a step, or fails and changes nothing. With latest_ms it is done only if no entry except events would get a
-- later ID; returns whether it was done.
local function run_step(step, latest_ms)
  ask_for_wanted(step.keys)
  check_step(step)
  local writes = step.writes
  local appended = append_entries(step, latest_ms)
  if not appended then return false end
  if #step.events > 0 or step.entries then
    local done, failure = pcall(append_all_events, step)
    if not done then
      take_back(appended)
      fail_again(failure)
    end
  end
  for at = 1, #writes do
    if writes[at][1] ~= 'XADD' then redis.call(unpack(writes[at])) end
  end
  -- A ring only wakes: the ACKs are authoritative, and a broken bell must not stop the change that it announces.
  for at = 1, #step.rings do redis.pcall(unpack(step.rings[at])) end
  return true
end
