-- The code that the functions of this library share. All keys of a swarm are in one hash slot, that of its shard. In
-- addition to the stream of events there are these keys, here by their part behind `<prefix>:{<shard>}:`, see declared-keys.lua:
--
--   coordinator:<swarm>|<id>   hash: life, state, phase, stale_after_ms, dead_after_ms, started_ms, beat_ms, ended_ms,
--                              delivered: the entry up to which the inbox was delivered to earlier lives,
--                              former_tokens: those of the last lives that ended, separated by spaces;
--                              inbox_until_ms: the end of the retention of all signals in its inbox; '' once it has ended
--   heartbeats                 sorted set of <swarm>|<id>, by the time (ms) at which the coordinator is overdue
--   ended                      sorted set of <swarm>|<id>, by the time (ms) at which its last life ended
--   inbox:<swarm>|<id>         stream of signals to be settled, read by the group `life-<life>`
--   settled:<swarm>|<id>       sorted set of nonces of signed signals that were settled recently, by the time (ms) after which a
--                              copy is too late; expires
--   near-bound                 sorted set of inbox:<swarm>|<id> that are nearly full, by percent
--   bell:<swarm>|<id>          stream that wakes a sender when its signals are ACKed
--   signal:<swarm>|<signal>|<iteration>   hash: sender_id, signal_type, receivers, open, sent_micros, sent_ms, nonce, deliver_by_ms, keep_until_ms, waits
--   acks:<swarm>|<signal>|<iteration>     hash: receiver to `<latency_ms> <key_id> <signature>`, followed by
--                              later ones with other signatures, if any, for the sender to judge
--   wait:<swarm>|<wait>        hash: coordinator_id, signal_id, iteration, receivers, started_micros, token; once it has ended also
--                              status, duration_ms, acked, missing, for a minute: a repeated call gets the same answer
--   waits:<swarm>|<id>         set of the coordinator's open waits
--   deadlines                  sorted set of w|<swarm>|<wait> and s|<swarm>|<signal>|<iteration>, by time (ms)
--   work:<swarm>|<id>          hash: work id to JSON, see open-work.lua
--   monitor                    hash: stepped_ms, suspended_until_ms, run_id of Redis at the last step, clock_back_ms,
--                              recheck, judged_ms, unjudged_since_ms, see step-monitor.lua
--   set-aside                  hash: `<sorted set> <member>` to `<ms> <reason>`: malformed subjects that no monitor judges
--   lives                      the highest life of a coordinator that was cleaned up: no life is used twice
-- The costs in the headers were measured as time in Redis (INFO commandstats), one call after the other.
-- Reading the declared keys adds about 4 us to each call, and 0.3 us for each key from the third on.
-- The clock is that of Redis. Nothing is written before everything that can fail has been checked, see step.lua.

local EVENTS_AT_ONCE = 500 -- events in one entry of the stream, well below the limit of 1,000
local BELL_LENGTH = 1000 -- rings kept for a slow listener; `acks` is authoritative
local LONGEST_MS = 31536000000 -- a year: the longest duration in an event
local KEPT_AFTER_MS = 3600000 -- a signal is remembered this long after its ACKs are due: monitors may be late
local LARGEST_WHOLE = 9007199254740991 -- 2^53 - 1: above it a double cannot distinguish all numbers

local function check_id(name, value, most)
  if value == nil or #value < 1 or #value > (most or 128) or not string.match(value, '^[%w_%-%.:/@]+$') then
    fail(name .. ': expected 1 to ' .. (most or 128) .. ' characters of A-Z a-z 0-9 _ - . : / @; got ' .. tostring(value))
  end
  return value
end

local function check_number(name, value, most)
  local number = value and string.match(value, '^%d+$') and tonumber(value)
  if not number or number > (most or LARGEST_WHOLE) then
    fail(name .. ': expected a whole number from 0 to ' .. string.format('%.0f', most or LARGEST_WHOLE) .. '; got '
      .. tostring(value))
  end
  return number
end

local function check_text(name, value)
  return value or fail(name .. ': expected a text; got none')
end

local function check_word(name, value, words)
  for _, word in ipairs(words) do
    if value == word then return value end
  end
  return fail(name .. ': expected ' .. table.concat(words, ', ') .. '; got ' .. tostring(value))
end

-- The ID of an entry: XDEL and XACK fail with any other text, and then half of a step would be done.
local function check_entry(name, value)
  local ms, sequence = string.match(value or '', '^(%d+)%-(%d+)$')
  if not ms or #ms > 19 or #sequence > 19 then fail(name .. ': expected the ID of an entry; got ' .. tostring(value)) end
  return value
end

-- The content of an inbox may not have been written by these functions; an event that names it must still be valid.
local function id_or_unknown(value, most)
  if value and #value >= 1 and #value <= (most or 128) and string.match(value, '^[%w_%-%.:/@]+$') then return value end
  return 'unknown'
end

local function now_micros()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- A number as an integer of decimal digits: its fraction is cut off. %d costs half as much as %.0f.
local function whole(number)
  return string.format('%d', number)
end

-- Microseconds as decimal ms, as events carry durations.
local function show_ms(micros)
  return string.format('%.3f', math.max(0, micros) / 1000)
end

local function read_hash(key)
  return fields_of(redis.call('HGETALL', key))
end

-- Some fields of a hash, by name. For a coordinator or a signal this costs half as much as HGETALL.
local function read_fields(key, names)
  local values, fields = redis.call('HMGET', key, unpack(names)), {}
  for i = 1, #names do fields[names[i]] = values[i] or nil end
  return fields
end

-- Appends events, each a list of field, value, field, value …: one as a flat entry, several as batches.
local function append_events(keys, events)
  if #events == 1 then
    redis.call('XADD', keys.events, '*', unpack(events[1]))
    return
  end
  for first = 1, #events, EVENTS_AT_ONCE do
    local objects = {}
    for i = first, math.min(first + EVENTS_AT_ONCE - 1, #events) do
      local object = {}
      for f = 1, #events[i], 2 do object[events[i][f]] = events[i][f + 1] end
      objects[#objects + 1] = cjson.encode(object)
    end
    redis.call('XADD', keys.events, '*', 'events', '[' .. table.concat(objects, ',') .. ']')
  end
end

local function is_alive_in(state)
  return state == 'started' or state == 'beating' or state == 'stale'
end

local function is_alive(coordinator)
  return is_alive_in(coordinator['state'])
end

-- A life is `<number>.<token>`: the number is a counter, and the token, random digits from the joining client, distinguishes
-- two lives that got the same number because Redis went back to an older state in between. Programs of the earlier version
-- begin lives without a token. For their functions, too, a life is a decimal number, and a later one is greater.
local function split_life(life)
  return tonumber(string.match(life or '', '^%d+') or '0'), string.match(life or '', '^%d+%.(%d+)$')
end

-- These fields of the coordinator (life and state are among them) if the caller's life is the current one; nil if it was
-- declared dead, stopped or replaced, or if it belongs to a future that Redis has lost.
local function read_life(keys, swarm_id, coordinator_id, life, names)
  local coordinator = read_fields(key_of(keys, 'coordinator:' .. swarm_id .. '|' .. coordinator_id), names)
  if coordinator['life'] == life and is_alive(coordinator) then return coordinator end
  return nil
end

-- True if the caller's life is the current one.
local function is_present_life(keys, swarm_id, coordinator_id, life)
  local key = key_of(keys, 'coordinator:' .. swarm_id .. '|' .. coordinator_id)
  return redis.call('HGET', key, 'life') == life and is_alive_in(redis.call('HGET', key, 'state'))
end
