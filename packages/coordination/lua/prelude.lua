-- What the functions of this library share. All keys of a swarm are in one hash slot, that of its shard, so each
-- function is told one key, the stream of events `<prefix>:{<shard>}:events`, and derives the others from it:
--
--   coordinator:<swarm>|<id>   hash: life, state, phase, stale_after_ms, dead_after_ms, started_ms, beat_ms, ended_ms
--   heartbeats                 sorted set of <swarm>|<id>, by the time (ms) at which the coordinator is overdue
--   ended                      sorted set of <swarm>|<id>, by the time (ms) at which its last life ended
--   inbox:<swarm>|<id>         stream of signals to be settled, read by the group `inbox`
--   bell:<swarm>|<id>          stream that wakes a sender when its signals are ACKed
--   signal:<swarm>|<signal>|<iteration>   hash: sender_id, signal_type, receivers, open, sent_micros, key_id, signature
--   acks:<swarm>|<signal>|<iteration>     hash: receiver to `<latency_ms> <key_id> <signature>`
--   wait:<swarm>|<wait>        hash: coordinator_id, signal_id, iteration, receivers, started_micros; once it has ended also
--                              status, duration_ms, acked, missing, for a minute: who asks again gets the same answer
--   waits:<swarm>|<id>         set of the coordinator's open waits
--   deadlines                  sorted set of w|<swarm>|<wait> and s|<swarm>|<signal>|<iteration>, by time (ms)
--   work:<swarm>|<id>          hash: work id to JSON, see open-work.lua
--   monitor                    hash: stepped_ms, suspended_until_ms, run_id of Redis at the last step
--
-- The clock is that of Redis. Nothing is written before all that can fail has been checked: Lua does not roll back.

local EVENTS_AT_ONCE = 500 -- events in one entry of the stream, well below the 1,000 that an entry may hold
local BELL_LENGTH = 1000 -- rings kept for a sender that is slow to listen; the truth is in `acks`
local ENDED_WAIT_MS = 60000
local WAITS_AT_ONCE = 100 -- waits of one coordinator that are ended by one step

local function fail(text)
  error({err = 'STREAMFOLD ' .. text})
end

local function check_id(name, value, most)
  if value == nil or #value < 1 or #value > (most or 128) or not string.match(value, '^[%w_%-%.:/@]+$') then
    fail(name .. ': expected 1 to ' .. (most or 128) .. ' characters of A-Z a-z 0-9 _ - . : / @; got ' .. tostring(value))
  end
  return value
end

local function check_number(name, value)
  local number = tonumber(value)
  if number == nil or number < 0 or number ~= math.floor(number) then
    fail(name .. ': expected a whole number from 0; got ' .. tostring(value))
  end
  return number
end

local function base_of(keys)
  if #keys ~= 1 or string.sub(keys[1], -7) ~= ':events' then
    fail('keys: expected one, the stream of events; got ' .. #keys)
  end
  return string.sub(keys[1], 1, -7)
end

local function now_micros()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function whole(number)
  return string.format('%.0f', number)
end

-- Microseconds as decimal ms, as events carry durations.
local function show_ms(micros)
  return string.format('%.3f', math.max(0, micros) / 1000)
end

local function read_hash(key)
  local flat, hash = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do hash[flat[i]] = flat[i + 1] end
  return hash
end

-- Appends events, each a list of field, value, field, value …: one as a flat entry, more as entries of many.
local function append_events(base, events)
  if #events == 1 then
    redis.call('XADD', base .. 'events', '*', unpack(events[1]))
    return
  end
  for first = 1, #events, EVENTS_AT_ONCE do
    local objects = {}
    for i = first, math.min(first + EVENTS_AT_ONCE - 1, #events) do
      local object = {}
      for f = 1, #events[i], 2 do object[events[i][f]] = events[i][f + 1] end
      objects[#objects + 1] = cjson.encode(object)
    end
    redis.call('XADD', base .. 'events', '*', 'events', '[' .. table.concat(objects, ',') .. ']')
  end
end

local function is_alive(coordinator)
  local state = coordinator['state']
  return state == 'started' or state == 'beating' or state == 'stale'
end

-- The coordinator's hash where the caller's life is the present one, else nil: it was given up, stopped or started anew.
local function read_life(base, swarm_id, coordinator_id, life)
  local coordinator = read_hash(base .. 'coordinator:' .. swarm_id .. '|' .. coordinator_id)
  if coordinator['life'] == life and is_alive(coordinator) then return coordinator end
  return nil
end

-- Who has ACKed and who has not, of a list of receivers in their order.
local function split_receivers(base, signal, receivers)
  local acks, acked, missing = read_hash(base .. 'acks:' .. signal), {}, {}
  for _, receiver in ipairs(receivers) do
    if acks[receiver] then acked[#acked + 1] = receiver else missing[#missing + 1] = receiver end
  end
  return acked, missing
end

-- The wait of that id where it is open, else nil, and its hash.
local function read_open_wait(key)
  local wait = read_hash(key)
  if wait['coordinator_id'] and not wait['status'] then return wait end
  return nil, wait
end

-- Ends an open wait and adds its events to the list: completed where all have ACKed, else with the status given. False
-- where there is no such open wait.
local function end_wait(base, swarm_id, wait_id, status, events)
  local key = base .. 'wait:' .. swarm_id .. '|' .. wait_id
  local wait = read_open_wait(key)
  if not wait then return false end
  local coordinator_id = wait['coordinator_id']
  local signal = swarm_id .. '|' .. wait['signal_id'] .. '|' .. wait['iteration']
  local acked, missing = split_receivers(base, signal, cjson.decode(wait['receivers']))
  if #missing == 0 then status = 'completed' end
  local duration_ms = show_ms(now_micros() - tonumber(wait['started_micros']))
  local function add(...)
    local event = {...}
    for _, value in ipairs({'swarm_id', swarm_id, 'coordinator_id', coordinator_id, 'wait_id', wait_id}) do
      event[#event + 1] = value
    end
    events[#events + 1] = event
  end
  add('type', 'wait.finished', 'status', status, 'duration_ms', duration_ms)
  if status == 'timeout' then
    add('type', 'timeout', 'timeout_type', 'blocking')
    for _, receiver in ipairs(missing) do
      add('type', 'timeout', 'timeout_type', 'signal_ack', 'signal_id', wait['signal_id'], 'receiver_id', receiver)
    end
  end
  redis.call('HSET', key, 'status', status, 'duration_ms', duration_ms, 'acked', table.concat(acked, ' '), 'missing',
    table.concat(missing, ' '))
  redis.call('PEXPIRE', key, ENDED_WAIT_MS)
  redis.call('SREM', base .. 'waits:' .. swarm_id .. '|' .. coordinator_id, wait_id)
  redis.call('ZREM', base .. 'deadlines', 'w|' .. swarm_id .. '|' .. wait_id)
  return true
end

-- Ends open waits of a coordinator as errors, at most WAITS_AT_ONCE. Returns true where none is left.
local function end_waits(base, swarm_id, coordinator_id, events)
  local key = base .. 'waits:' .. swarm_id .. '|' .. coordinator_id
  local wait_ids = redis.call('SRANDMEMBER', key, WAITS_AT_ONCE)
  for _, wait_id in ipairs(wait_ids) do
    if not end_wait(base, swarm_id, wait_id, 'error', events) then redis.call('SREM', key, wait_id) end
  end
  return redis.call('SCARD', key) == 0
end
