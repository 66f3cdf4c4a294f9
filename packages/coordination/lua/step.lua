-- A step: the writes and events of one call, gathered first, checked as a whole, and only then done. Lua does not roll
-- back, so a step that fails at its second write would leave half of it behind.
--
--   local step = begin_step(base)
--   plan(step, 'HSET', key, 'state', 'stale')      a write, as for redis.call; it may not depend on an earlier one
--   plan_event(step, {'type', 'heartbeat.stale', …})
--   plan_ring(step, name, …)                       wakes a coordinator that waits for ACKs
--   run_step(step)
--
-- In a step nothing else writes. run_step fails before its first write if a key has another type than its command needs, the user may not run a command,
-- or the stream of events cannot take more entries. Then it writes to the streams, and takes back what it wrote if one of
-- them has no entry ID left; then it does all other writes, which cannot fail any more: of a write that depends on a
-- value (HINCRBY, XGROUP CREATE) the caller checks the value first.

-- The commands that a step may hold, and the type that each needs.
local TYPE_NEEDED = {
  HSET = 'hash', HDEL = 'hash', HINCRBY = 'hash', ZADD = 'sorted set', ZREM = 'sorted set', SADD = 'set', SREM = 'set',
  XADD = 'stream', XACK = 'stream', XDEL = 'stream', XGROUP = 'stream', SET = 'string', PEXPIRE = 'any', UNLINK = 'any',
}
-- A cheap command that fails on a key of another type. TYPE would do, but users of the earlier version may not run it.
local TYPE_TEST = {hash = 'HLEN', ['sorted set'] = 'ZCARD', set = 'SCARD', stream = 'XLEN', string = 'GET'}

-- How the last thousand entry IDs begin, of 41 characters.
local ALMOST_LAST = '18446744073709551615-18446744073709551'

local function begin_step(base)
  return {base = base, writes = {}, events = {}, rings = {}, checked = {}, types = {}, waits_left = {}}
end

local function plan(step, ...)
  step.writes[#step.writes + 1] = {...}
end

local function plan_event(step, event)
  step.events[#step.events + 1] = event
end

-- Wakes a coordinator that waits for the ACKs of a signal: `open` of them are missing. A coordinator whose life has ended
-- waits for nothing; a bell for it would be a key that nobody removes.
local function plan_ring(step, name, signal_id, iteration, receiver_id, open)
  if not is_alive(read_hash(step.base .. 'coordinator:' .. name)) then return end
  step.rings[#step.rings + 1] = {'XADD', step.base .. 'bell:' .. name, 'MAXLEN', '~', BELL_LENGTH, '*', 'signal_id',
    signal_id, 'iteration', iteration, 'receiver_id', receiver_id, 'open', open}
end

-- Fails unless the user may run this command on this key and the key, if it is there, has the type for it.
local function check_write(step, command, key, subcommand)
  local what = command .. ' ' .. key
  if step.checked[what] then return end
  local needed = TYPE_NEEDED[command] or fail('step: expected a known command; got ' .. command)
  if TYPE_TEST[needed] and not step.types[key] then
    local found = redis.pcall(TYPE_TEST[needed], key)
    local failure = type(found) == 'table' and found['err']
    if failure and string.find(failure, '^WRONGTYPE') then
      error({err = 'WRONGTYPE ' .. key .. ': expected a ' .. needed .. '; found another type; nothing was written'})
    elseif failure then
      error({err = failure})
    end
    step.types[key] = needed
  end
  local allowed
  if subcommand then
    allowed = redis.acl_check_cmd(command, subcommand, key)
  else
    allowed = redis.acl_check_cmd(command, key)
  end
  if not allowed then error({err = 'NOPERM this user has no permissions to run ' .. command .. ' on ' .. key}) end
  step.checked[what] = true
end

-- True if a stream has so few entry IDs left that some hundred entries may be too many.
local function is_exhausted(key)
  if redis.call('EXISTS', key) == 0 then return false end
  local last = fields_of(redis.call('XINFO', 'STREAM', key))['last-generated-id']
  return string.sub(last, 1, #ALMOST_LAST) == ALMOST_LAST and #last == 41
end

-- Fails unless all of a step can be done. Calling it early, before other steps are run, is fine.
local function check_step(step)
  if #step.events > 0 then
    local events = step.base .. 'events'
    check_write(step, 'XADD', events)
    -- Of one entry, XADD itself is the check; of several, the second one may find no ID left.
    if #step.events > EVENTS_AT_ONCE and is_exhausted(events) then
      error({err = 'ERR ' .. events .. ': it has no entry IDs left; nothing was written'})
    end
  end
  for _, write in ipairs(step.writes) do
    if write[1] == 'XGROUP' then
      check_write(step, 'XGROUP', write[3], write[2])
    elseif write[1] == 'UNLINK' then
      for i = 2, #write do check_write(step, 'UNLINK', write[i]) end
    else
      check_write(step, write[1], write[2])
    end
  end
end

local function take_back(appended)
  for _, entry in ipairs(appended) do
    local key, id = entry[1], entry[2]
    redis.call('XDEL', key, id)
    if redis.call('XLEN', key) == 0 and #redis.call('XINFO', 'GROUPS', key) == 0 then redis.call('UNLINK', key) end
  end
end

-- Does all of a step, or fails and leaves everything as it was.
local function run_step(step)
  check_step(step)
  local appended = {}
  for _, write in ipairs(step.writes) do
    if write[1] == 'XADD' then
      local id = redis.pcall(unpack(write))
      if type(id) == 'table' then
        take_back(appended)
        error({err = id['err']})
      end
      appended[#appended + 1] = {write[2], id}
    end
  end
  local done, failure = pcall(append_events, step.base, step.events)
  if not done then
    take_back(appended)
    fail_again(failure)
  end
  for _, write in ipairs(step.writes) do
    if write[1] ~= 'XADD' then redis.call(unpack(write)) end
  end
  -- A ring only wakes: the truth is in the ACKs, and a bell that is broken must not stop what it tells of.
  for _, ring in ipairs(step.rings) do redis.pcall(unpack(ring)) end
end
