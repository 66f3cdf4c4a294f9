#!lua name=streamfold_coordination_1
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

-- The code that the functions of this library share. All keys of a swarm are in one hash slot, that of its shard, so
-- each function gets one key, the stream of events `<prefix>:{<shard>}:events`, and derives the others from it:
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
-- The clock is that of Redis. Nothing is written before everything that can fail has been checked, see step.lua.

local EVENTS_AT_ONCE = 500 -- events in one entry of the stream, well below the limit of 1,000
local BELL_LENGTH = 1000 -- rings kept for a slow listener; `acks` is authoritative
local LONGEST_MS = 31536000000 -- a year: the longest duration in an event
local KEPT_AFTER_MS = 3600000 -- a signal is remembered this long after its ACKs are due: monitors may be late
local LARGEST_WHOLE = 9007199254740991 -- 2^53 - 1: above it a double cannot distinguish all numbers

local function fail(text)
  error({err = 'STREAMFOLD ' .. text})
end

-- Raises the error that pcall caught: an error of Redis is a table, or only its text.
local function fail_again(failure)
  error({err = type(failure) == 'table' and failure['err'] or tostring(failure)})
end

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
local function read_life(base, swarm_id, coordinator_id, life, names)
  local coordinator = read_fields(base .. 'coordinator:' .. swarm_id .. '|' .. coordinator_id, names)
  if coordinator['life'] == life and is_alive(coordinator) then return coordinator end
  return nil
end

-- True if the caller's life is the current one.
local function is_present_life(base, swarm_id, coordinator_id, life)
  local key = base .. 'coordinator:' .. swarm_id .. '|' .. coordinator_id
  return redis.call('HGET', key, 'life') == life and is_alive_in(redis.call('HGET', key, 'state'))
end

-- A step: the writes and events of one call, collected first, checked as a whole, and only then done. Lua does not roll
-- back, so a step that fails at its second write would leave half of its work behind.
--
--   local step = begin_step(base)
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

local function begin_step(base)
  return {base = base, writes = {}, events = {}, rings = {}, allowed = {}, types = {}, checked_to = 0}
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
  if redis.acl_check_cmd('XADD', keys[1]) and redis.acl_check_cmd('XDEL', keys[1])
    and (#keys == 1 or redis.acl_check_cmd('UNLINK', unpack(keys))) then return end
  for _, key in ipairs(keys) do
    if not redis.acl_check_cmd('XADD', key) then fail_not_allowed('XADD', key) end
    if taken_back and not redis.acl_check_cmd('XDEL', key) then fail_not_allowed('XDEL', key) end
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
  if not is_alive_in(redis.call('HGET', step.base .. 'coordinator:' .. name, 'state')) then return end
  step.rings[#step.rings + 1] = {'XADD', step.base .. 'bell:' .. name, 'MAXLEN', '~', BELL_LENGTH, '*', 'signal_id',
    signal_id, 'iteration', iteration, 'receiver_id', receiver_id, 'open', open}
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
  local allowed
  if subcommand then
    allowed = redis.acl_check_cmd(command, subcommand, key)
  else
    allowed = redis.acl_check_cmd(command, key)
  end
  if not allowed then fail_not_allowed(command, key) end
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
    local events = step.base .. 'events'
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
  if #step.events > 0 then append_events(step.base, step.events) end
  if not step.entries then return end
  for at = 1, #step.entries do redis.call('XADD', step.base .. 'events', '*', 'events', step.entries[at]) end
end

-- Does all of a step, or fails and changes nothing. With latest_ms it is done only if no entry except events would get a
-- later ID; returns whether it was done.
local function run_step(step, latest_ms)
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

-- Keeps signals: each inbox within its bounds, each record for its retention or for as long as somebody needs it.

local INBOX_ENTRIES = 10000 -- signals that wait in one inbox
local INBOX_BYTES = 64 * 1024 * 1024 -- of memory, as Redis estimates it
local UNMEASURED = 64 -- fewer signals, of at most 1 MiB, cannot be too many bytes: measuring costs about 10 us
local MEASURED_EACH = 16 -- small signals are measured at each sixteenth one, so an inbox may exceed its bound by 15 of them
local SMALL_BYTES = 4096 -- of a payload: larger ones are measured each time
local NEAR_BOUND = 0.8 -- share of the bound from which an inbox is reported
local EXPIRED_AT_ONCE = 10 -- removed from a full inbox by one delivery: each of them is read, and may be 1 MiB
local RETENTION_LONGEST_MS = 31 * 86400000
local KEEP_STEP_MS = 60000 -- up to this much longer: then most deliveries need not move the expiry of the inbox
local FOREVER_MS = 100 * LONGEST_MS -- instead of PERSIST, which users of the earlier version may not run
local SIGNATURE_BYTES = 128 -- of a signature or a key id; those of HMAC-SHA256 have 43

local function check_signature(name, value)
  if #check_text(name, value) <= SIGNATURE_BYTES and not string.find(value, '[%s|]') then return value end
  return fail(name .. ': expected at most ' .. SIGNATURE_BYTES .. ' bytes without white space or |; got ' .. #value)
end

local function check_nonce(value)
  if #value >= 16 and #value <= 64 and string.match(value, '^[%w_-]+$') then return value end
  return fail('nonce: expected 16 to 64 characters of A-Z a-z 0-9 _ -; got ' .. value)
end

-- The fill of an inbox of this length, by entries and by bytes: 1 is its bound.
local function read_fill(inbox, length)
  local fill = length / INBOX_ENTRIES
  if length < UNMEASURED then return fill end
  local bytes = redis.pcall('MEMORY', 'USAGE', inbox) -- users of the earlier version may not run this: then only entries count
  return type(bytes) == 'number' and math.max(fill, bytes / INBOX_BYTES) or fill
end

-- Removes signals past their retention from the head of a full inbox. Returns their number.
local function plan_expiry(step, inbox, life, now_ms)
  local removed = 0
  for _, entry in ipairs(redis.call('XRANGE', inbox, '-', '+', 'COUNT', EXPIRED_AT_ONCE)) do
    -- An entry of the earlier version does not say when it expires.
    local expires_ms = tonumber(fields_of(entry[2])['expires_ms'] or '')
      or tonumber(string.match(entry[1], '^%d+')) + RETENTION_LONGEST_MS
    if expires_ms > now_ms then return removed end
    if life then plan(step, {'XACK', inbox, 'life-' .. life, entry[1]}) end
    plan(step, {'XDEL', inbox, entry[1]})
    removed = removed + 1
  end
  return removed
end

-- Notes that the inbox of a live coordinator has signals to keep until then, in case it ends.
local function plan_keep_inbox(step, name, coordinator, until_ms)
  if until_ms <= (tonumber(coordinator['inbox_until_ms'] or '') or 0) then return end
  plan(step, {'HSET', step.base .. 'coordinator:' .. name, 'inbox_until_ms', whole(until_ms)})
end

-- The time until which the signals in the inbox of a coordinator that is not alive are kept; 0 if there are none.
local function read_inbox_until_ms(inbox, now_ms)
  local left_ms = redis.call('PTTL', inbox)
  if left_ms == -1 then left_ms = RETENTION_LONGEST_MS end -- from the earlier version, which set none
  return left_ms > 0 and now_ms + left_ms or 0
end

-- Plans the writes of a delivery to an inbox in addition to its entry. Returns false if the inbox is full. The inbox of a live
-- coordinator does not expire; any other expires when the retention of all its signals is over.
-- `keep`: now_ms, kept_ms, until_ms, payload_bytes; the same for each receiver of a signal.
local function plan_delivery(step, inbox, key, keep)
  local length = check_type(step, inbox, 'stream')
  local fill = length / INBOX_ENTRIES
  if length >= UNMEASURED and (keep.payload_bytes > SMALL_BYTES or length % MEASURED_EACH == 0) then
    fill = read_fill(inbox, length)
  end
  local until_ms = tonumber(redis.call('HGET', key, 'inbox_until_ms') or '') or 0
  -- Only the inbox of a live coordinator has this time, and for most deliveries it is late enough.
  local alive = until_ms >= keep.until_ms or is_alive_in(redis.call('HGET', key, 'state'))
  if fill >= 1 and plan_expiry(step, inbox, alive and redis.call('HGET', key, 'life'), keep.now_ms) == 0 then return false end
  if fill >= NEAR_BOUND then
    plan(step, {'ZADD', step.base .. 'near-bound', whole(fill * 100), string.sub(inbox, #step.base + 1)})
  end
  if alive then
    if until_ms >= keep.until_ms then return true end
    know_type(step, key, 'hash')
    plan(step, {'HSET', key, 'inbox_until_ms', whole(keep.until_ms + KEEP_STEP_MS)})
  elseif length == 0 or read_inbox_until_ms(inbox, keep.now_ms) < keep.until_ms then
    plan(step, {'PEXPIRE', inbox, whole(keep.kept_ms + KEEP_STEP_MS)})
  end
  return true
end

-- Settles an entry of an inbox: it will not be delivered again. The nonce of a signed one is kept as long as a copy could be
-- put into the inbox in time, so that later lives refuse the copy.
local function plan_settle(step, name, life, entry, signed)
  local inbox = step.base .. 'inbox:' .. name
  plan(step, {'XACK', inbox, 'life-' .. life, entry})
  plan(step, {'XDEL', inbox, entry})
  if not signed then return end
  local settled, entry_ms = step.base .. 'settled:' .. name, string.match(entry, '^%d+')
  check_write(step, 'ZADD', settled)
  for _, nonce in ipairs(redis.call('ZRANGEBYSCORE', settled, '-inf', '(' .. entry_ms, 'LIMIT', 0, 10)) do
    if nonce ~= signed.nonce then plan(step, {'ZREM', settled, nonce}) end
  end
  plan(step, {'ZADD', settled, signed.deliver_by_ms, signed.nonce})
  plan(step, {'PEXPIRE', settled, whole(RETENTION_LONGEST_MS)})
end

-- The nonce of an entry of an inbox, and the time until which a copy could be put there; nil if it is not signed, or in
-- the way of the earlier version.
local function read_signed(inbox, entry)
  local found = redis.call('XRANGE', inbox, entry, entry)[1]
  if not found then return nil, nil end
  local fields = fields_of(found[2])
  local nonce, deliver_by_ms = fields['nonce'] or '', fields['deliver_by_ms'] or ''
  local valid = (fields['signature'] or '') ~= '' and string.match(nonce, '^[%w_-]+$') and #nonce <= 64
    and string.match(deliver_by_ms, '^%d+$') and #deliver_by_ms <= 15
  return valid and {nonce = nonce, deliver_by_ms = deliver_by_ms} or nil, fields
end

-- Lets a signal expire at the end of its retention, if nobody needs it any longer: no wait is open and no ACK is overdue.
-- `waits`: the number of open waits for its ACKs after this step. Returns true if this was planned.
local function plan_release(step, signal, sent, waits, now_ms)
  local keep_until_ms = tonumber(sent['keep_until_ms'] or '')
  if not keep_until_ms or waits > 0 then return false end -- a signal of the earlier version keeps its expiry
  local key, left_ms = step.base .. 'signal:' .. signal, math.max(keep_until_ms - now_ms, 1000)
  if redis.call('PTTL', key) <= left_ms then return false end -- no wait has prolonged it
  plan(step, {'PEXPIRE', key, whole(left_ms)})
  plan(step, {'PEXPIRE', step.base .. 'acks:' .. signal, whole(left_ms)})
  return true
end

local RELEASE_FIELDS = {'waits', 'keep_until_ms'}

-- A wait for the ACKs of a signal has ended.
local function plan_release_by_wait(step, signal, now_ms)
  local key = step.base .. 'signal:' .. signal
  local sent = read_fields(key, RELEASE_FIELDS)
  local left = step.waits_left or {}
  local waits = left[signal] or tonumber(sent['waits'] or '')
  if not waits then return end -- it is no longer remembered, or from the earlier version
  know_type(step, key, 'hash')
  waits = math.max(waits - 1, 0)
  left[signal], step.waits_left = waits, left
  plan(step, {'HSET', key, 'waits', whole(waits)})
  plan_release(step, signal, sent, waits, now_ms)
end

-- The inbox of a coordinator: a stream that each life reads with its own group.

local function is_entry_id(text)
  return text ~= nil and string.find(text, '^%d+%-%d+$') ~= nil
end

-- Plans the end of the group with which a life reads its inbox: a process of that life that wakes up late takes no signal
-- from the next one. The position to which it had read is kept, so that the next reader knows which entries were
-- delivered before. Returns that entry.
local function plan_end_reader(step, name, coordinator)
  local inbox = step.base .. 'inbox:' .. name
  local delivered = is_entry_id(coordinator['delivered']) and coordinator['delivered'] or '0-0'
  if not coordinator['life'] then return delivered end
  local groups = redis.pcall('XINFO', 'GROUPS', inbox)
  if groups.err then return delivered end
  know_type(step, inbox, 'stream')
  for _, list in ipairs(groups) do
    local group = fields_of(list)
    if group['name'] == 'life-' .. coordinator['life'] then
      local now = group['last-delivered-id']
      if is_after(now, delivered) then delivered = now end
      plan(step, {'HSET', step.base .. 'coordinator:' .. name, 'delivered', delivered})
      plan(step, {'XGROUP', 'DESTROY', inbox, group['name']})
      if redis.call('XLEN', inbox) > 0 then -- cleanup removes an empty one together with the coordinator
        -- Signals of the earlier version do not say how long to keep them.
        local now_ms = math.floor(now_micros() / 1000)
        local until_ms = tonumber(coordinator['inbox_until_ms'] or '') or now_ms + RETENTION_LONGEST_MS
        plan(step, {'PEXPIRE', inbox, whole(math.max(until_ms - now_ms, 1000))})
      end
    end
  end
  return delivered
end

-- The inbox of a life that begins: it does not expire while the coordinator is alive.
local function plan_adopt_inbox(step, name, before, times)
  local inbox = step.base .. 'inbox:' .. name
  if times.left_ms > 0 then
    if not is_alive(before) then plan_keep_inbox(step, name, before, times.now_ms + times.left_ms) end
    plan(step, {'PEXPIRE', inbox, whole(FOREVER_MS)})
  elseif is_alive(before) and redis.call('XLEN', inbox) > 0 then
    plan(step, {'PEXPIRE', inbox, whole(FOREVER_MS)}) -- the end of the previous life, in this step, lets it expire
  end
end

local function has_reader(base, name, life)
  local groups = redis.pcall('XINFO', 'GROUPS', base .. 'inbox:' .. name)
  if groups.err then return false end
  for _, list in ipairs(groups) do
    if fields_of(list)['name'] == 'life-' .. life then return true end
  end
  return false
end

-- Subjects are judged one by one: a malformed record (a key of the wrong type, a field that is missing or not a number) is
-- set aside, so that it does not stop the work on all others. It is removed from its sorted set, and noted in
-- `set-aside`, which an operator reads and clears.

local SET_ASIDE_MOST = 1000 -- notes kept; further ones are only counted
local REASON_BYTES = 300

-- Why a record is malformed, in words; nil for an error that says nothing about the record. An error of Lua begins with its
-- position: then the record has an unexpected form.
local function read_malformation(failure)
  local text = type(failure) == 'table' and failure['err'] or tostring(failure)
  for _, beginning in ipairs({'^WRONGTYPE ', '^STREAMFOLD ', '^@?user_function:%d+: '}) do
    if string.find(text, beginning) then return text end
  end
  return nil
end

local function count_set_aside(base)
  local count = redis.pcall('HLEN', base .. 'set-aside')
  return type(count) == 'number' and count or nil
end

local function plan_set_aside(step, sorted_set, member, reason)
  step.set_aside = (step.set_aside or 0) + 1
  plan(step, {'ZREM', step.base .. sorted_set, member})
  local kept = count_set_aside(step.base)
  if not kept or kept + step.set_aside > SET_ASIDE_MOST then return end
  local now_ms = whole(math.floor(now_micros() / 1000))
  plan(step, {'HSET', step.base .. 'set-aside', sorted_set .. ' ' .. member, now_ms .. ' ' .. string.sub(reason, 1, REASON_BYTES)})
end

local function cut(list, length)
  for at = #list, length + 1, -1 do list[at] = nil end
end

-- Plans the work for one subject, or, if its records are malformed, sets it aside: all of it or nothing. Returns true if it
-- was planned. An error that is not about the record is raised again.
local function judge(step, sorted_set, member, plan_subject)
  check_step(step) -- earlier plans do not belong to this subject
  local writes, events, rings, set_aside = #step.writes, #step.events, #step.rings, step.set_aside
  local planned, failure = pcall(plan_subject, step)
  if planned then planned, failure = pcall(check_step, step) end
  if planned then return true end
  cut(step.writes, writes)
  cut(step.events, events)
  cut(step.rings, rings)
  step.checked_to, step.set_aside = writes, set_aside
  plan_set_aside(step, sorted_set, member, read_malformation(failure) or fail_again(failure))
  return false
end

-- Waits for ACKs, and how they end. A wait is ended by its own coordinator, by the end of the life of that coordinator, or
-- by a monitor.

local ENDED_WAIT_MS = 60000
local WAITS_AT_ONCE = 100 -- waits of one coordinator that are ended by one step
local RECEIVERS_AT_ONCE = 2000 -- examined by one step for the waits of one coordinator, each of which may have 1,000

-- The receivers that have ACKed and those that have not, in the order of the list. With a set of those whose ACKs were
-- verified, no other counts: an ACK that arrived after the verification is not yet judged.
local function split_receivers(base, signal, receivers, verified)
  local acks, acked, missing = read_hash(base .. 'acks:' .. signal), {}, {}
  for _, receiver in ipairs(receivers) do
    if acks[receiver] and (not verified or verified[receiver]) then acked[#acked + 1] = receiver else missing[#missing + 1] = receiver end
  end
  return acked, missing
end

-- The wait with that key if it is open, otherwise nil, and its hash.
local function read_open_wait(key)
  local wait = read_hash(key)
  if wait['coordinator_id'] and not wait['status'] then return wait end
  return nil, wait
end

-- The receivers of a record, a JSON array of ids.
local function decode_receivers(key, text)
  local decoded, receivers = pcall(cjson.decode, text)
  if not decoded or type(receivers) ~= 'table' or #receivers == 0 then
    fail(key .. ': expected receivers, a JSON array of ids; got ' .. string.sub(tostring(text), 1, 100))
  end
  for _, receiver in ipairs(receivers) do check_id(key .. ', receiver', receiver) end
  return receivers
end

-- Plans the end of an open wait: completed if all have ACKed, otherwise with the given status. Returns its coordinator,
-- the number of its receivers, and the reply of finish_wait; or nil if there is no such open wait.
local function plan_end_wait(step, swarm_id, wait_id, status, verified)
  local base = step.base
  local key = base .. 'wait:' .. swarm_id .. '|' .. wait_id
  local wait = read_open_wait(key)
  if not wait then return nil end
  know_type(step, key, 'hash')
  local coordinator_id = check_id(key .. ', coordinator_id', wait['coordinator_id'])
  local signal_id = check_id(key .. ', signal_id', wait['signal_id'])
  local started_micros = check_number(key .. ', started_micros', wait['started_micros'])
  local receivers = decode_receivers(key, wait['receivers'])
  local acked, missing = split_receivers(base, swarm_id .. '|' .. signal_id .. '|' .. wait['iteration'], receivers, verified)
  if #missing == 0 then status = 'completed' end
  local micros = now_micros()
  local duration_ms = show_ms(micros - started_micros)
  plan_event(step, {'type', 'wait.finished', 'swarm_id', swarm_id, 'coordinator_id', coordinator_id, 'wait_id', wait_id,
    'status', status, 'duration_ms', duration_ms})
  if status == 'timeout' then
    plan_event(step, {'type', 'timeout', 'swarm_id', swarm_id, 'coordinator_id', coordinator_id, 'wait_id', wait_id,
      'timeout_type', 'blocking'})
    for _, receiver in ipairs(missing) do
      plan_event(step, {'type', 'timeout', 'swarm_id', swarm_id, 'coordinator_id', coordinator_id, 'wait_id', wait_id,
        'timeout_type', 'signal_ack', 'signal_id', signal_id, 'receiver_id', receiver})
    end
  end
  local ended = {status, duration_ms, table.concat(acked, ' '), table.concat(missing, ' ')}
  plan(step, {'HSET', key, 'status', ended[1], 'duration_ms', ended[2], 'acked', ended[3], 'missing', ended[4]})
  plan(step, {'PEXPIRE', key, ENDED_WAIT_MS})
  plan(step, {'SREM', base .. 'waits:' .. swarm_id .. '|' .. coordinator_id, wait_id})
  plan(step, {'ZREM', base .. 'deadlines', 'w|' .. swarm_id .. '|' .. wait_id})
  plan_release_by_wait(step, swarm_id .. '|' .. signal_id .. '|' .. wait['iteration'], math.floor(micros / 1000))
  return wait, #receivers, ended
end

-- Plans the end of an open wait that its own coordinator did not end, and wakes that coordinator if it is alive.
local function plan_end_wait_of_other(step, swarm_id, wait_id, status)
  local wait, receivers = plan_end_wait(step, swarm_id, wait_id, status)
  if wait then plan_ring(step, swarm_id .. '|' .. wait['coordinator_id'], wait['signal_id'], wait['iteration'], '', 0) end
  return wait, receivers
end

-- Plans the end of open waits of a coordinator as errors: at most WAITS_AT_ONCE, and fewer if they have many receivers.
-- A malformed wait is set aside. Returns true if none is left after this step.
local function plan_end_waits(step, swarm_id, coordinator_id)
  local key, looked_at, ended = step.base .. 'waits:' .. swarm_id .. '|' .. coordinator_id, 0, 0
  local wait_ids = redis.call('SRANDMEMBER', key, WAITS_AT_ONCE)
  if #wait_ids == 0 then return true end
  know_type(step, key, 'set')
  for _, wait_id in ipairs(wait_ids) do
    if looked_at >= RECEIVERS_AT_ONCE then break end
    local member = 'w|' .. swarm_id .. '|' .. wait_id
    local judged = judge(step, 'deadlines', member, function(own)
      local owner = redis.call('HGET', step.base .. 'wait:' .. swarm_id .. '|' .. wait_id, 'coordinator_id')
      local wait, receivers
      if owner == coordinator_id then wait, receivers = plan_end_wait_of_other(own, swarm_id, wait_id, 'error') end
      if not wait then plan(own, {'SREM', key, wait_id}) end
      looked_at = looked_at + (receivers or 0)
    end)
    if not judged then plan(step, {'SREM', key, wait_id}) end
    ended = ended + 1
  end
  return ended == redis.call('SCARD', key)
end

-- Begins a life of a coordinator: `coordinator.started`. Open waits left by an earlier life (its process was killed) are first
-- ended as errors. A live id begins a new life, too: its process was restarted, or it was started twice, and the previous life
-- has ended.
--
-- A client generates a token once each time it joins: the same token again is the same life. So a first attempt that
-- arrives late, after its retry has begun a life, changes nothing.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id   3 phase, or ''   4 stale after, ms; 0: no heartbeat is expected   5 dead after, ms
--       6 token, 16 to 40 random digits; without it, as from programs of the earlier version, each call begins a life
-- Returns {'started', <life>, <entry up to which the inbox was delivered to earlier lives>}; {'again'} if more old waits were
--         left than one step ends: call it again; {'ended'} if the life of this token has ended
-- Cost  about 55 us, and linear in the waits that were left.

local FORMER_TOKENS = 16 -- remembered, so that a late first attempt of any of these lives is recognized

local function check_token(value)
  if value == nil or value == '' then return nil end
  if #value < 16 or #value > 40 or not string.match(value, '^%d+$') then
    fail('token: expected 16 to 40 digits; got ' .. value)
  end
  return value
end

-- The tokens of earlier lives, the latest first.
local function read_former_tokens(coordinator)
  local _, latest = split_life(coordinator['life'])
  local tokens = {latest}
  for token in string.gmatch(coordinator['former_tokens'] or '', '%d+') do
    if #tokens < FORMER_TOKENS then tokens[#tokens + 1] = token end
  end
  return tokens
end

local function plan_life(step, name, before, life, args)
  local base, now_ms = step.base, math.floor(now_micros() / 1000)
  local stale_after_ms = tonumber(args[4])
  plan(step, {'HSET', base .. 'coordinator:' .. name, 'life', life, 'state', 'started', 'phase',
    args[3] ~= '' and args[3] or 'unknown', 'stale_after_ms', whole(stale_after_ms), 'dead_after_ms', whole(tonumber(args[5])),
    'started_ms', whole(now_ms), 'beat_ms', '', 'ended_ms', ''})
  if stale_after_ms > 0 then
    plan(step, {'ZADD', base .. 'heartbeats', whole(now_ms + stale_after_ms), name})
  else
    plan(step, {'ZREM', base .. 'heartbeats', name})
  end
  plan(step, {'ZREM', base .. 'ended', name})
  local left_ms = redis.call('PTTL', base .. 'inbox:' .. name)
  if left_ms == -2 or not has_reader(base, name, life) then -- -2: there is no inbox
    plan(step, {'XGROUP', 'CREATE', base .. 'inbox:' .. name, 'life-' .. life, '0', 'MKSTREAM'})
  end
  plan_adopt_inbox(step, name, before, {now_ms = now_ms, left_ms = left_ms})
end

local function start_coordinator(keys, args)
  local base = base_of(keys)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local phase = check_text('phase', args[3]) ~= '' and check_id('phase', args[3], 64) or nil
  local stale_after_ms, dead_after_ms = check_number('stale_after_ms', args[4]), check_number('dead_after_ms', args[5])
  if stale_after_ms > 0 and dead_after_ms <= stale_after_ms then
    fail('dead_after_ms: expected more than stale_after_ms, ' .. args[4] .. '; got ' .. args[5])
  end
  local token, name = check_token(args[6]), swarm_id .. '|' .. id
  local key, step = base .. 'coordinator:' .. name, begin_step(base)
  local before = read_hash(key)
  know_type(step, key, 'hash')
  local number, token_before = split_life(before['life'])
  local former_tokens = read_former_tokens(before)
  if token and token == token_before and is_alive(before) then
    return {'started', before['life'], is_entry_id(before['delivered']) and before['delivered'] or '0-0'}
  end
  for _, former in ipairs(former_tokens) do
    if token == former then return {'ended'} end
  end

  local done = plan_end_waits(step, swarm_id, id)
  if not is_alive(before) then step.events = {} end -- an event about it would revive it in the metrics
  if not done then
    run_step(step)
    return {'again'}
  end
  local delivered = plan_end_reader(step, name, before)
  if not before['life'] then number = split_life(redis.call('GET', base .. 'lives') or '0') end
  local life = whole(number + 1) .. (token and '.' .. token or '')
  local started = {'type', 'coordinator.started', 'swarm_id', swarm_id, 'coordinator_id', id}
  if phase then
    started[#started + 1] = 'phase'
    started[#started + 1] = phase
  end
  plan_event(step, started)
  plan_life(step, name, before, life, args)
  if #former_tokens > 0 then plan(step, {'HSET', key, 'former_tokens', table.concat(former_tokens, ' ')}) end
  run_step(step)
  return {'started', life, delivered}
end

-- A heartbeat. If the coordinator was stale, the episode is over: `heartbeat.recovered`. If the phase has changed:
-- `coordinator.phase_changed`.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 phase, or '' to keep it
-- Returns 'beating', 'recovered', or 'ended' if this life has ended (declared dead, stopped, started again)
-- Cost  O(log n) in the coordinators that are alive, about 18 us.

local BEAT_FIELDS = {'life', 'state', 'phase', 'stale_after_ms'}

local function beat(keys, args)
  local base = base_of(keys)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local phase = check_text('phase', args[4]) ~= '' and check_id('phase', args[4], 64) or nil
  local coordinator = read_life(base, swarm_id, id, args[3], BEAT_FIELDS)
  if not coordinator then return 'ended' end
  local name, now_ms = swarm_id .. '|' .. id, math.floor(now_micros() / 1000)
  local key, step = base .. 'coordinator:' .. name, begin_step(base)
  know_type(step, key, 'hash')
  local recovers = coordinator['state'] == 'stale'
  if recovers then
    plan_event(step, {'type', 'heartbeat.recovered', 'swarm_id', swarm_id, 'coordinator_id', id})
  end
  if phase and phase ~= coordinator['phase'] then
    plan_event(step, {'type', 'coordinator.phase_changed', 'swarm_id', swarm_id, 'coordinator_id', id, 'phase', phase})
    plan(step, {'HSET', key, 'phase', phase})
  end
  plan(step, {'HSET', key, 'state', 'beating', 'beat_ms', whole(now_ms)})
  local stale_after_ms = check_number(key .. ', stale_after_ms', coordinator['stale_after_ms'])
  if stale_after_ms > 0 then plan(step, {'ZADD', base .. 'heartbeats', whole(now_ms + stale_after_ms), name}) end
  run_step(step)
  return recovers and 'recovered' or 'beating'
end

-- Changes the phase of a coordinator: `coordinator.phase_changed`. No heartbeat.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 phase
-- Returns 'changed', 'same', or 'ended' if this life has ended
-- Cost  constant, about 13 us.

local PHASE_FIELDS = {'life', 'state', 'phase'}

local function change_phase(keys, args)
  local base = base_of(keys)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local phase = check_id('phase', args[4], 64)
  local coordinator = read_life(base, swarm_id, id, args[3], PHASE_FIELDS)
  if not coordinator then return 'ended' end
  if coordinator['phase'] == phase then return 'same' end
  local key, step = base .. 'coordinator:' .. swarm_id .. '|' .. id, begin_step(base)
  know_type(step, key, 'hash')
  plan(step, {'HSET', key, 'phase', phase})
  plan_event(step, {'type', 'coordinator.phase_changed', 'swarm_id', swarm_id, 'coordinator_id', id, 'phase', phase})
  run_step(step)
  return 'changed'
end

-- Ends the life of a coordinator: its open waits end as errors, then `coordinator.stopped`.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 reason: completed, failed or terminated
-- Returns 'stopped'; 'ended' if this life has ended before; 'again' if more waits were open than one step ends
-- Cost  about 50 us, and linear in the open waits.

local STOP_FIELDS = {'life', 'state', 'delivered', 'inbox_until_ms'}

local function stop_coordinator(keys, args)
  local base = base_of(keys)
  local swarm_id, id, reason = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2]), args[4]
  check_word('reason', reason, {'completed', 'failed', 'terminated'})
  local coordinator = read_life(base, swarm_id, id, args[3], STOP_FIELDS)
  if not coordinator then return 'ended' end
  local name, step = swarm_id .. '|' .. id, begin_step(base)
  local key = base .. 'coordinator:' .. name
  know_type(step, key, 'hash')
  local done = plan_end_waits(step, swarm_id, id)
  if done then
    local now_ms = whole(math.floor(now_micros() / 1000))
    plan_event(step, {'type', 'coordinator.stopped', 'swarm_id', swarm_id, 'coordinator_id', id, 'reason', reason})
    plan(step, {'HSET', key, 'state', 'stopped', 'ended_ms', now_ms, 'inbox_until_ms', ''})
    plan_end_reader(step, name, coordinator)
    plan(step, {'ZREM', base .. 'heartbeats', name})
    plan(step, {'ZADD', base .. 'ended', now_ms, name})
  end
  run_step(step)
  return done and 'stopped' or 'again'
end

-- Delivers a signal to the inbox of each receiver: `signal.sent` for each. The same signal and iteration again is the same
-- signal: nothing is delivered, nothing is counted.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 sender_id   3 life of the sender   4 signal_id   5 iteration   6 signal_type   7 payload, any text
--       8 ACKs are due within, ms; 0: never   9 how long the signal is remembered, ms   10 key_id, or ''
--       11 `<nonce>|<sent_ms>|<deliver_by_ms>`: the nonce is new for each signal; the times, by the clock of Redis, are the
--          signed ones, or both empty
--       12 … for each receiver (at least one, each once, at most 1,000) three values: receiver_id, signature or '', and, if
--          that is the one that the earlier version checks, the other one, else ''
--       The earlier version passes no nonce: 11 … are two values for each receiver, receiver_id and its signature or ''.
-- Returns {'sent', <sent, ms of the clock of Redis>, <that clock now, ms>}; {'repeated', <sent>, <signal_type>, <receivers as
--         JSON>, <nonce or ''>} as it was sent before; {'not_sender'} if another coordinator sent it; {'ended'} if the
--         sender's life has ended; {'late', <now>, <latest ID of the inboxes, ms>} if the times do not match the clock: sign
--         again; {'full', <receivers whose inboxes are full, separated by spaces>}, to the earlier version an error
-- Cost  about 50 us, and 7 us a receiver; 9 us if signed; in bytes: the payload for each receiver, at most 32 MiB in total.
--       About 10 us more for each inbox that is measured: it holds at least 64 signals, and the payload is larger than 4 KiB or
--       16 signals have arrived since.

local DELIVERED_BYTES = 32 * 1024 * 1024 -- copied by one call: about 50 ms of Redis

-- True if each of them is an id: all are checked as one text.
local function are_ids(texts)
  for at = 1, #texts do
    if #texts[at] < 1 or #texts[at] > 128 then return false end
  end
  return string.find(table.concat(texts), '^[%w_%-%.:/@]+$') ~= nil
end

local function read_receivers(args)
  local nonce, sent_ms, deliver_by_ms = string.match(args[11] or '', '^([^|]*)|(%d*)|(%d*)$')
  local to = {ids = {}, signatures = {}, nonce = nonce and check_nonce(nonce)}
  if nonce and sent_ms .. deliver_by_ms ~= '' then
    to.sent_ms, to.deliver_by_ms = check_number('sent_ms', sent_ms), check_number('deliver_by_ms', deliver_by_ms)
  end
  local ids, seen, count, second = to.ids, {}, 0, {}
  for i = nonce and 12 or 11, #args, nonce and 3 or 2 do
    local receiver, signature, second_signature = args[i], args[i + 1], nonce and args[i + 2] or nil
    if seen[receiver] then fail('receivers: expected each once; got ' .. receiver .. ' twice') end
    seen[receiver], count = true, count + 1
    ids[count] = receiver
    to.signatures[count] = signature == '' and '' or check_signature('signature', signature)
    if nonce and second_signature ~= '' then
      second[count], to.second_signatures = check_signature('signature', second_signature), second
    end
  end
  if count < 1 or count > 1000 then fail('receivers: expected 1 to 1000; got ' .. count) end
  if not are_ids(ids) then
    for at = 1, count do check_id('receiver_id', ids[at]) end
  end
  for at = 1, to.second_signatures and count or 0 do second[at] = second[at] or '' end
  return to
end

-- The latest ID of these inboxes, ms: it is ahead of the clock after the clock was set back.
local function read_latest_ms(base, swarm_id, receivers)
  local latest_ms = 0
  for _, receiver in ipairs(receivers) do
    local stream = redis.pcall('XINFO', 'STREAM', base .. 'inbox:' .. swarm_id .. '|' .. receiver)
    if not stream.err then
      latest_ms = math.max(latest_ms, tonumber(string.match(fields_of(stream)['last-generated-id'], '^%d+')))
    end
  end
  return latest_ms
end

local function reply_late(base, swarm_id, to, now_ms)
  return {'late', whole(now_ms), whole(math.max(now_ms, read_latest_ms(base, swarm_id, to.ids)))}
end

-- The ids as JSON: no id needs escaping.
local function encode_ids(ids)
  return '["' .. table.concat(ids, '","') .. '"]'
end

local function plan_sent_events(step, ids, signal)
  if #ids == 1 then
    plan_event(step, {'type', 'signal.sent', 'swarm_id', signal.swarm_id, 'sender_id', signal.sender_id, 'receiver_id', ids[1],
      'signal_type', signal.type, 'signal_id', signal.id})
    return
  end
  -- No id needs escaping.
  plan_events_of(step, ids,
    '{"type":"signal.sent","swarm_id":"' .. signal.swarm_id .. '","sender_id":"' .. signal.sender_id .. '","receiver_id":"',
    '","signal_type":"' .. signal.type .. '","signal_id":"' .. signal.id .. '"}')
end

-- Plans an entry in the inbox of each receiver: `entry` with its id at 11 and its signature at 21. Returns the receivers
-- whose inboxes are full.
local function plan_deliveries(step, swarm_id, to, entry, keep)
  local inbox_of, coordinator_of = step.base .. 'inbox:' .. swarm_id .. '|', step.base .. 'coordinator:' .. swarm_id .. '|'
  local ids, inboxes, full = to.ids, {}, {}
  for at = 1, #ids do
    local inbox = inbox_of .. ids[at]
    inboxes[at] = inbox
    if not plan_delivery(step, inbox, coordinator_of .. ids[at], keep) then full[#full + 1] = ids[at] end
  end
  check_appends(inboxes, to.deliver_by_ms ~= nil) -- an entry with an ID too late for the signature is removed again
  local second_at = to.second_signatures and #entry + 1
  plan_entries(step, inboxes, entry, function(write, at)
    write[2], write[11], write[21] = inboxes[at], ids[at], to.signatures[at]
    if second_at then write[second_at], write[second_at + 1] = 'signature_2', to.second_signatures[at] end
  end)
  return full
end

local function send_signal(keys, args)
  local base = base_of(keys)
  local swarm_id, sender_id = check_id('swarm_id', args[1]), check_id('sender_id', args[2])
  local signal_id, iteration = check_id('signal_id', args[4]), whole(check_number('iteration', args[5]))
  local signal_type, payload = check_id('signal_type', args[6], 64), check_text('payload', args[7])
  local due_ms, kept_ms = check_number('ack_timeout_ms', args[8], LONGEST_MS), check_number('retention_ms', args[9], LONGEST_MS)
  local key_id, to = check_signature('key_id', args[10]), read_receivers(args)
  if kept_ms < 1000 then fail('retention_ms: expected at least 1000; got ' .. args[9]) end
  if #payload * #to.ids > DELIVERED_BYTES then
    fail('payload: expected at most ' .. DELIVERED_BYTES .. ' bytes for all receivers; got ' .. #payload .. ' for each of '
      .. #to.ids .. ': send a reference to it')
  end
  local signal = swarm_id .. '|' .. signal_id .. '|' .. iteration
  local key = base .. 'signal:' .. signal
  local before = read_hash(key)
  if before['sent_micros'] then
    if before['sender_id'] ~= sender_id then return {'not_sender'} end
    local before_ms = before['sent_ms'] or whole(math.floor(tonumber(before['sent_micros']) / 1000))
    return {'repeated', before_ms, before['signal_type'], before['receivers'], before['nonce'] or ''}
  end
  if not is_present_life(base, swarm_id, sender_id, args[3]) then return {'ended'} end

  local micros = now_micros()
  local now_ms = math.floor(micros / 1000)
  if to.sent_ms and (to.sent_ms > now_ms or now_ms > to.deliver_by_ms) then return reply_late(base, swarm_id, to, now_ms) end
  local step, until_ms = begin_step(base), now_ms + kept_ms
  local sent_ms, until_text = whole(to.sent_ms or now_ms), whole(until_ms)
  local deliver_by_ms = to.deliver_by_ms and whole(to.deliver_by_ms) or ''
  local entry = {'XADD', '', '*', 'signal_id', signal_id, 'iteration', iteration, 'sender_id', sender_id, 'receiver_id', '',
    'signal_type', signal_type, 'payload', payload, 'sent_ms', sent_ms, 'key_id', key_id, 'signature', '', 'expires_ms',
    until_text, to.nonce and 'nonce', to.nonce, to.deliver_by_ms and 'deliver_by_ms', to.deliver_by_ms and deliver_by_ms}
  local full = plan_deliveries(step, swarm_id, to, entry, {now_ms = now_ms, kept_ms = kept_ms, until_ms = until_ms,
    payload_bytes = #payload})
  if #full > 0 then
    local names = table.concat(full, ' ')
    return to.nonce and {'full', names} or fail('receivers: expected room in each inbox; full are those of ' .. names)
  end
  plan_sent_events(step, to.ids, {swarm_id = swarm_id, sender_id = sender_id, type = signal_type, id = signal_id})
  know_type(step, key, 'hash')
  plan(step, {'HSET', key, 'sender_id', sender_id, 'signal_type', signal_type, 'receivers', encode_ids(to.ids), 'open', #to.ids,
    'sent_micros', whole(micros), 'sent_ms', sent_ms, 'nonce', to.nonce or '', 'deliver_by_ms', deliver_by_ms, 'keep_until_ms',
    until_text, 'waits', '0'})
  plan(step, {'PEXPIRE', key, whole(due_ms > 0 and math.max(kept_ms, due_ms + KEPT_AFTER_MS) or kept_ms)})
  if due_ms > 0 then plan(step, {'ZADD', base .. 'deadlines', whole(now_ms + due_ms), 's|' .. signal}) end
  if not run_step(step, to.deliver_by_ms) then return reply_late(base, swarm_id, to, now_ms) end
  return {'sent', sent_ms, to.sent_ms and whole(now_ms) or sent_ms}
end

-- Records the ACK of a receiver, once for each signal and iteration, wakes the sender, and settles the entry of the inbox
-- that brought the signal: `signal.acked` with the time from sending to here. An ACK with another signature than the first is
-- kept beside it, because either may be the valid one; the sender decides.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 receiver_id, to whom the signal was sent   3 signal_id   4 iteration   5 key_id, or ''   6 signature, or ''
--       7 whose inbox is settled: the receiver, or its successor   8 entry of that inbox, or ''   9 life of the owner of that inbox
--       10 nonce of the signal; '' or left out, as by the earlier version: any
-- Returns {'recorded', <latency, decimal ms>}, {'repeated', <latency>} if it was recorded before, {'unknown'} if there is no
--         such signal, or no longer, or one with another nonce, {'not_receiver'} if it was not sent to this receiver; {'ended'}
--         if the life of the inbox's owner has ended
-- Cost  about 65 us.

local SIGNATURES_MOST = 8 -- of one ACK: from a few keys, and some bad ones
local SIGNATURES_OWN = 2 -- more, for an ACK from the inbox that has the signal: bad ones cannot crowd it out

-- True if this entry of the inbox holds the signal: its owner is the receiver, or took it over.
local function holds_signal(fields, signal_id, iteration, receiver_id)
  return fields ~= nil and fields['signal_id'] == signal_id and fields['iteration'] == iteration
    and fields['receiver_id'] == receiver_id
end

local function is_receiver_of(sent, receiver_id)
  if string.find(sent['receivers'], '"' .. receiver_id .. '"', 1, true) then return true end
  -- Functions of an earlier edition wrote \/ for /.
  for _, receiver in ipairs(cjson.decode(sent['receivers'])) do
    if receiver == receiver_id then return true end
  end
  return false
end

-- The nonce to keep for a settled entry, or nil. If the caller names the nonce of the signal, the record of the signal says
-- how long copies are refused; otherwise the entry of the inbox is read with its payload.
local function find_signed(inbox, entry, sent, nonce)
  local deliver_by_ms = nonce and sent['nonce'] == nonce and sent['deliver_by_ms']
  if not deliver_by_ms then return (read_signed(inbox, entry)) end
  return deliver_by_ms ~= '' and {nonce = nonce, deliver_by_ms = deliver_by_ms} or nil
end

local function acknowledge_signal(keys, args)
  local base = base_of(keys)
  local swarm_id, receiver_id = check_id('swarm_id', args[1]), check_id('receiver_id', args[2])
  local signal_id, iteration = check_id('signal_id', args[3]), whole(check_number('iteration', args[4]))
  local key_id, signature = check_signature('key_id', args[5]), check_signature('signature', args[6])
  local owner = check_id('owner_id', args[7])
  local entry = args[8] ~= '' and check_entry('entry', args[8]) or nil
  local nonce = args[10] and args[10] ~= '' and check_nonce(args[10]) or nil
  if not is_present_life(base, swarm_id, owner, args[9]) then return {'ended'} end

  local step, name = begin_step(base), swarm_id .. '|' .. owner
  local inbox = base .. 'inbox:' .. name
  local signal = swarm_id .. '|' .. signal_id .. '|' .. iteration
  local key, acks = base .. 'signal:' .. signal, base .. 'acks:' .. signal
  local sent = read_hash(key)
  know_type(step, key, 'hash')
  if entry then
    check_write(step, 'XDEL', inbox)
    plan_settle(step, name, args[9], entry, find_signed(inbox, entry, sent, nonce))
  end
  local is_other = nonce and (sent['nonce'] or '') ~= '' and sent['nonce'] ~= nonce
  if not sent['sent_micros'] or is_other then
    run_step(step)
    return {'unknown'}
  end
  if not is_receiver_of(sent, receiver_id) then return {'not_receiver'} end

  local is_first = check_type(step, acks, 'hash') == 0
  local before, sender = not is_first and redis.call('HGET', acks, receiver_id), swarm_id .. '|' .. sent['sender_id']
  local micros = now_micros()
  local latency_ms = show_ms(micros - tonumber(sent['sent_micros']))
  if before then
    local _, spaces = string.gsub(before, ' ', ' ')
    local known = string.find(before .. ' ', ' ' .. key_id .. ' ' .. signature .. ' ', 1, true)
    local _, fields = read_signed(inbox, entry or '0-0')
    local most = SIGNATURES_MOST + (holds_signal(fields, signal_id, iteration, receiver_id) and SIGNATURES_OWN or 0)
    if not known and (spaces + 1) / 3 < most then
      plan(step, {'HSET', acks, receiver_id, before .. ' ' .. latency_ms .. ' ' .. key_id .. ' ' .. signature})
      plan_ring(step, sender, signal_id, iteration, receiver_id, sent['open'])
    end
    run_step(step)
    return {'repeated', string.match(before, '^(%S+)')}
  end

  local open, released = tonumber(sent['open']) - 1, false
  plan(step, {'HSET', acks, receiver_id, latency_ms .. ' ' .. key_id .. ' ' .. signature})
  plan(step, {'HSET', key, 'open', whole(open)})
  if open == 0 then
    plan(step, {'ZREM', base .. 'deadlines', 's|' .. signal})
    released = plan_release(step, signal, sent, tonumber(sent['waits'] or '0'), math.floor(micros / 1000))
  end
  -- Later it expires with the signal: whatever prolongs one prolongs the other.
  if is_first and not released then plan(step, {'PEXPIRE', acks, whole(math.max(redis.call('PTTL', key), 1))}) end
  plan_ring(step, sender, signal_id, iteration, receiver_id, whole(open))
  plan_event(step, {'type', 'signal.acked', 'swarm_id', swarm_id, 'sender_id', sent['sender_id'], 'receiver_id', receiver_id,
    'signal_type', sent['signal_type'], 'signal_id', signal_id, 'latency_ms', latency_ms})
  run_step(step)
  return {'recorded', latency_ms}
end

-- Settles an entry of an inbox without an ACK: the signal is done and will not be delivered again. If it was refused because of
-- a bad signature, that is an event: `signal.rejected`.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id, whose inbox it is   3 entry   4 reason of the refusal: unsigned, unknown_key or
--       bad_signature; '' if it is only settled   5 life of the coordinator
--       6 optional, more about the reason: replayed, earlier_version, or wrong_inbox. With wrong_inbox the entry is refused
--         only if its receiver is alive and was alive when the signal was sent: otherwise a successor may have it
-- Returns 'settled'; 'gone' if there is no such entry, or no longer; 'handed_over' if it belongs in this inbox; 'ended' if this
--         life has ended
-- Cost  about 28 us, plus reading the payload.

local RECEIVER_FIELDS = {'life', 'state', 'started_ms'}

-- True if the life to which a signal was sent has ended: a successor may have its signals.
local function is_handed_over(base, swarm_id, fields)
  local receiver = read_fields(base .. 'coordinator:' .. swarm_id .. '|' .. (fields['receiver_id'] or ''), RECEIVER_FIELDS)
  if not receiver['life'] then return false end
  return not is_alive(receiver) or tonumber(receiver['started_ms']) > (tonumber(fields['sent_ms'] or '') or 0)
end

local function settle_signal(keys, args)
  local base = base_of(keys)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local entry_id = check_entry('entry', args[3])
  local reason = check_word('reason', args[4], {'', 'unsigned', 'unknown_key', 'bad_signature'})
  local detail = check_word('detail', args[6] or '', {'', 'replayed', 'earlier_version', 'wrong_inbox'})
  if not is_present_life(base, swarm_id, id, args[5]) then return 'ended' end
  local name, step = swarm_id .. '|' .. id, begin_step(base)
  check_write(step, 'XDEL', base .. 'inbox:' .. name)
  local signed, fields = read_signed(base .. 'inbox:' .. name, entry_id)
  if not fields then return 'gone' end
  if detail == 'wrong_inbox' and is_handed_over(base, swarm_id, fields) then return 'handed_over' end
  if reason ~= '' then
    local event = {'type', 'signal.rejected', 'swarm_id', swarm_id, 'sender_id', id_or_unknown(fields['sender_id']),
      'receiver_id', id, 'signal_type', id_or_unknown(fields['signal_type'], 64), 'part', 'signal', 'reason', reason}
    if detail ~= '' then
      event[#event + 1] = 'detail'
      event[#event + 1] = detail
    end
    plan_event(step, event)
  end
  plan_settle(step, name, args[5], entry_id, reason == '' and signed or nil)
  run_step(step)
  return 'settled'
end

-- The nonces of signed signals that a coordinator has settled recently: those of which a copy could still arrive in time.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id
-- Returns a list: nonce, the time (ms) after which a copy is too late, for each
-- Cost  linear in the signals that were settled within some ten seconds.

local function list_settled(keys, args)
  local base = base_of(keys)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  return redis.call('ZRANGE', base .. 'settled:' .. swarm_id .. '|' .. id, 0, -1, 'WITHSCORES')
end

-- Reports inboxes that are nearly full. Those that no longer are, are forgotten.
--
-- KEYS  1 stream of events
-- ARGV  none
-- Returns {<how many are nearly full>, <the fullest, inbox:<swarm>|<id>, or ''>, <its fill in percent>}; if there are more than
--         100, only the 100 fullest are checked again
-- Cost  about 5 us, and about 10 us for each of them.

local LOOKED_AT = 100

local function read_near_bound(keys, args)
  local base = base_of(keys)
  local key, step = base .. 'near-bound', begin_step(base)
  local fullest, highest, gone = '', 0, 0
  for _, member in ipairs(redis.call('ZRANGE', key, 0, LOOKED_AT - 1, 'REV')) do
    local inbox = base .. member
    local fill = read_fill(inbox, redis.call('XLEN', inbox))
    if fill < NEAR_BOUND then
      plan(step, {'ZREM', key, member})
      gone = gone + 1
    elseif fill > highest then
      fullest, highest = member, fill
    end
  end
  local near = redis.call('ZCARD', key) - gone
  run_step(step)
  return {near, fullest, math.floor(highest * 100)}
end

-- The recorded ACKs of a signal and iteration.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 signal_id   3 iteration   4 optional: 'nonce', to get it first
-- Returns a list: the nonce of the signal or '', if it is asked for; receiver_id, '<latency, decimal ms> <key_id> <signature>'
--         for each ACK, with further ones of the same receiver after it
-- Cost  linear in the receivers.

local function read_acks(keys, args)
  local base = base_of(keys)
  local swarm_id, signal_id = check_id('swarm_id', args[1]), check_id('signal_id', args[2])
  local signal = swarm_id .. '|' .. signal_id .. '|' .. whole(check_number('iteration', args[3]))
  local acks = redis.call('HGETALL', base .. 'acks:' .. signal)
  if args[4] == nil then return acks end
  check_word('nonce', args[4], {'nonce'})
  table.insert(acks, 1, redis.call('HGET', base .. 'signal:' .. signal, 'nonce') or '')
  return acks
end

-- Removes an ACK with a bad signature, if the record is still the one that was judged, so that the valid one can be
-- recorded, or stays if it arrived after the bad one: `signal.rejected`. The wait stays open.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 signal_id   3 iteration   4 receiver_id   5 the record that was judged
--       6 reason: unsigned, unknown_key or bad_signature   7 the rest of the record, or ''
-- Returns 'rejected', or 'changed' if there is now another record or none
-- Cost  constant.

local function reject_ack(keys, args)
  local base = base_of(keys)
  local swarm_id, signal_id = check_id('swarm_id', args[1]), check_id('signal_id', args[2])
  local iteration, receiver_id = whole(check_number('iteration', args[3])), check_id('receiver_id', args[4])
  local signal = swarm_id .. '|' .. signal_id .. '|' .. iteration
  local key, acks = base .. 'signal:' .. signal, base .. 'acks:' .. signal
  local reason, left = check_word('reason', args[6], {'unsigned', 'unknown_key', 'bad_signature'}), check_text('left', args[7])
  local step = begin_step(base)
  check_write(step, 'HSET', acks)
  if redis.call('HGET', acks, receiver_id) ~= args[5] then return 'changed' end
  local sent = read_hash(key)
  if left ~= '' then
    plan(step, {'HSET', acks, receiver_id, left})
  else
    plan(step, {'HDEL', acks, receiver_id})
    if sent['open'] then plan(step, {'HSET', key, 'open', whole(tonumber(sent['open']) + 1)}) end
  end
  plan_event(step, {'type', 'signal.rejected', 'swarm_id', swarm_id, 'sender_id', sent['sender_id'] or 'unknown',
    'receiver_id', receiver_id, 'signal_type', sent['signal_type'] or 'unknown', 'part', 'ack', 'reason', reason})
  run_step(step)
  return 'rejected'
end

-- Begins a wait of a sender for the ACKs of one signal and iteration: `wait.started`. From now on monitors watch its deadline,
-- so that it ends even if its process dies.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 wait_id   5 signal_id   6 iteration   7 timeout, ms
--       8 how long after the timeout a monitor ends it, ms: the waiter itself acts first
--       9 optional: a random token of this call, by which a repeated call is recognized
-- Returns 'open', also to the same call again; 'unknown' if there is no such signal, or no longer; 'not_sender' if another
--         coordinator sent it; 'exists' if there is, or was within a minute, a wait with that id; 'ended' if this life has ended
-- Cost  about 48 us for one receiver, linear in the receivers.

local WAITED_FIELDS = {'sent_micros', 'sender_id', 'receivers', 'waits'}

local function start_wait(keys, args)
  local base = base_of(keys)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local wait_id, signal_id = check_id('wait_id', args[4]), check_id('signal_id', args[5])
  local iteration = whole(check_number('iteration', args[6]))
  local timeout_ms, slack_ms = check_number('timeout_ms', args[7], LONGEST_MS), check_number('slack_ms', args[8], LONGEST_MS)
  local signal = swarm_id .. '|' .. signal_id .. '|' .. iteration
  local signal_key = base .. 'signal:' .. signal
  local sent = read_fields(signal_key, WAITED_FIELDS)
  if not is_present_life(base, swarm_id, id, args[3]) then return 'ended' end
  if not sent['sent_micros'] then return 'unknown' end
  if sent['sender_id'] ~= id then return 'not_sender' end
  local key = base .. 'wait:' .. swarm_id .. '|' .. wait_id
  local token = args[9] or ''
  if #token > 64 then fail('token: expected at most 64 bytes; got ' .. #token) end
  if redis.call('EXISTS', key) == 1 then
    return token ~= '' and redis.call('HGET', key, 'token') == token and 'open' or 'exists'
  end

  local micros, receivers = now_micros(), decode_receivers(signal_key, sent['receivers'])
  local step = begin_step(base)
  know_type(step, key, 'hash')
  know_type(step, signal_key, 'hash')
  plan(step, {'HSET', key, 'coordinator_id', id, 'signal_id', signal_id, 'iteration', iteration, 'receivers',
    sent['receivers'], 'started_micros', whole(micros), 'token', token})
  local kept_ms = timeout_ms + slack_ms + KEPT_AFTER_MS
  if redis.call('PTTL', signal_key) < kept_ms then
    plan(step, {'PEXPIRE', signal_key, whole(kept_ms), 'GT'})
    plan(step, {'PEXPIRE', base .. 'acks:' .. signal, whole(kept_ms), 'GT'})
  end
  local waits = tonumber(sent['waits'] or '') -- none: sent with an earlier edition
  if waits then plan(step, {'HSET', signal_key, 'waits', whole(waits + 1)}) end
  plan(step, {'SADD', base .. 'waits:' .. swarm_id .. '|' .. id, wait_id})
  plan(step, {'ZREM', base .. 'deadlines', 's|' .. signal}) -- from now on this wait reports missing receivers
  plan(step, {'ZADD', base .. 'deadlines', whole(math.floor(micros / 1000) + timeout_ms + slack_ms),
    'w|' .. swarm_id .. '|' .. wait_id})
  plan_event(step, {'type', 'wait.started', 'swarm_id', swarm_id, 'coordinator_id', id, 'wait_id', wait_id,
    'timeout_ms', whole(timeout_ms), 'expected', whole(#receivers)})
  run_step(step)
  return 'open'
end

-- Ends a wait: completed if all have ACKed, whatever is requested; otherwise as requested. A timeout is reported once for
-- the wait (`timeout` of type `blocking`) and once for each missing receiver (`signal_ack`, of the waiting coordinator).
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 wait_id   3 'if_complete', 'timeout' or 'error'   4 'any': every ACK counts; 'verified': only
--       those of the following receivers, whose signatures are good   5 … receivers
-- Returns {'finished', <status>, <duration, decimal ms>, <receivers that have ACKed, separated by spaces>, <the others>},
--         the same again if it has already ended (a monitor may have ended it); {'open'} if it was to be ended only if
--         complete, and is not; {'gone'} if it ended more than a minute ago or never existed
-- Cost  about 55 us for one receiver, linear in the receivers.

local function finish_wait(keys, args)
  local base = base_of(keys)
  local swarm_id, wait_id, how = check_id('swarm_id', args[1]), check_id('wait_id', args[2]), args[3]
  check_word('status', how, {'if_complete', 'timeout', 'error'})
  local verified
  if check_word('acks', args[4], {'any', 'verified'}) == 'verified' then
    verified = {}
    for i = 5, #args do verified[args[i]] = true end
  end
  local key = base .. 'wait:' .. swarm_id .. '|' .. wait_id
  local wait, ended = read_open_wait(key)
  if not wait then
    if not ended['status'] then return {'gone'} end
    return {'finished', ended['status'], ended['duration_ms'], ended['acked'], ended['missing']}
  end
  local step = begin_step(base)
  local _, _, outcome = plan_end_wait(step, swarm_id, wait_id, how, verified)
  if how == 'if_complete' and outcome[1] ~= 'completed' then return {'open'} end
  run_step(step)
  return {'finished', unpack(outcome)}
end

-- One step of a monitor: moves overdue subjects, and appends the events in the same step. However many monitors run, each
-- episode, each wait and each missing ACK is reported once.
--
--   started, beating ──overdue──▶ stale    `heartbeat.stale`: `missing` if it never beat, `stale` if it did
--   stale ──overdue again──▶ dead          `heartbeat.stale`: `timeout`, and `timeout` of type `heartbeat`; open waits end
--                                          as errors before
--   open wait ──past its deadline──▶ ended as `timeout`: its process is gone or cannot reach Redis
--   signal that nobody waits for ──past its deadline──▶ `timeout` of type `signal_ack` for each missing receiver
--
-- If no monitor has stepped for long, if Redis is another process than at the last step, or if its clock has stepped back, the
-- outage was ours (of the monitors or of Redis): nothing is overdue until one grace period is over, and never for longer. After a
-- step back, deadlines set by the clock that was ahead become deadlines by the right one, as if they had begun now.
--
-- Each subject is judged separately, see set-aside.lua. The hash `monitor` holds, by the clock of Redis, when a step last
-- judged (judged_ms), and when the outage was noticed that keeps steps from judging (unjudged_since_ms): the later of them
-- is the time since which nothing is watched. A monitor that fails repeatedly takes its own failures for an outage, but
-- notices only the first.
--
-- KEYS  1 stream of events
-- ARGV  1 most subjects moved   2 a pause between steps that is longer was an outage, ms   3 grace period, ms
-- Returns {<stale>, <dead>, <waits ended>, <signals overdue>, <1 if more is overdue>, <ms of grace left>,
--         <malformed subjects set aside by this step>, <notes in set-aside>, <1 if this step began the grace period>,
--         <ms by which the clock had stepped back, during the grace period after it>}
--         (it stops moving once it has reported about 1,000 events)
-- Cost  O(log n + m): does not grow with the live coordinators; about 15 us for each of the m moved subjects.

local STEP_EVENTS = 1000 -- after this number a step moves no more: a few subjects may have many receivers each
local STEP_BACK_MS = 1000 -- a smaller step back of the clock does no harm

-- The run ID of Redis: new after each restart, and another one after a failover. Empty if this user may not
-- ask. It is read again only if another one is known: each process of Redis loads the library itself.
local own_run_id
local function read_run_id(known)
  if own_run_id and own_run_id == known then return known end
  local info = redis.pcall('INFO', 'server')
  own_run_id = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or nil
  return own_run_id or ''
end

local function parse_member(member)
  local swarm_id, id = string.match(member, '^([^|]+)|(.+)$')
  return check_id('swarm_id', swarm_id), check_id('coordinator_id', id)
end

local function read_number(text)
  local number = tonumber(text or '')
  return number and number >= 0 and number <= LARGEST_WHOLE and math.floor(number) or 0
end

-- Plans the shared record of all monitors. Returns it.
local function plan_monitor(step, now_ms, outage_ms, grace_ms)
  local monitor = read_hash(step.base .. 'monitor')
  local stepped_ms, until_ms = read_number(monitor['stepped_ms']), read_number(monitor['suspended_until_ms'])
  local known = {back_ms = read_number(monitor['clock_back_ms']), recheck = monitor['recheck'] or ''}
  local known_run_id = monitor['run_id'] or ''
  local run_id = read_run_id(known_run_id)
  -- A monitor that may not ask concludes nothing, and keeps the record of another one.
  local is_other = run_id ~= '' and known_run_id ~= '' and run_id ~= known_run_id
  local stepped_back = stepped_ms - now_ms >= STEP_BACK_MS
  known.began = now_ms - stepped_ms > outage_ms or is_other or stepped_back
  if known.began then until_ms, known.back_ms = now_ms + grace_ms, 0 end
  if stepped_back then known.back_ms, known.recheck = stepped_ms - now_ms, 'heartbeats 0' end
  known.grace_left_ms = math.max(0, math.min(until_ms - now_ms, grace_ms))
  if known.grace_left_ms == 0 and not stepped_back then known.back_ms = 0 end
  local judged_ms = math.min(read_number(monitor['judged_ms']), now_ms)
  local since_ms = math.min(read_number(monitor['unjudged_since_ms']), now_ms)
  if known.began and judged_ms >= since_ms then since_ms = now_ms end
  if known.grace_left_ms == 0 then judged_ms = now_ms end
  local key, now_text = step.base .. 'monitor', whole(now_ms)
  local write = {'HSET', key, 'stepped_ms', now_text, 'judged_ms', judged_ms == now_ms and now_text or whole(judged_ms)}
  local function change(name, number)
    if read_number(monitor[name]) == number then return end
    write[#write + 1] = name
    write[#write + 1] = whole(number)
  end
  if known.grace_left_ms > 0 or until_ms > now_ms then change('suspended_until_ms', now_ms + known.grace_left_ms) end
  change('clock_back_ms', known.back_ms)
  change('unjudged_since_ms', since_ms)
  if run_id ~= '' and run_id ~= known_run_id then
    write[#write + 1] = 'run_id'
    write[#write + 1] = run_id
  end
  know_type(step, key, 'hash')
  plan(step, write)
  return known
end

-- Plans that a subject with times in the future, from a clock that was ahead, is due as if it had begun now. Returns true if
-- there is nothing to do.
local function plan_recheck(own, sorted_set, member, due_ms, now_ms)
  local latest_ms
  if sorted_set == 'heartbeats' then
    local key = own.base .. 'coordinator:' .. member
    local coordinator = read_hash(key)
    if not is_alive(coordinator) then return true end
    local left_ms = check_number(key .. ', stale_after_ms', coordinator['stale_after_ms'])
    if coordinator['state'] == 'stale' then
      left_ms = check_number(key .. ', dead_after_ms', coordinator['dead_after_ms']) - left_ms
    end
    latest_ms = now_ms + left_ms
    if due_ms <= latest_ms then return true end
  else
    local kind, rest = string.match(member, '^(%a)|(.+)$')
    local key = own.base .. (kind == 'w' and 'wait:' or 'signal:') .. (rest or '')
    local field = kind == 'w' and 'started_micros' or 'sent_micros'
    local began_ms = math.floor(read_number(redis.call('HGET', key, field) or '') / 1000)
    if began_ms <= now_ms then return true end
    latest_ms = now_ms + math.max(0, due_ms - began_ms)
    plan(own, {'HSET', key, field, whole(now_ms * 1000)})
  end
  plan(own, {'ZADD', own.base .. sorted_set, whole(latest_ms), member})
end

-- After the clock has stepped back, checks the subjects that are due last, some at each step: a clock that was ahead has given
-- them too late a time. Returns true if there are more.
local function recheck(step, known, now_ms, limit)
  local sorted_set, skip = string.match(known.recheck, '^(%a+) (%d+)$')
  if not sorted_set then return false end
  local last = redis.call('ZRANGE', step.base .. sorted_set, skip, skip + limit - 1, 'REV', 'WITHSCORES')
  local kept = 0
  for i = 1, #last, 2 do
    local member, due_ms = last[i], tonumber(last[i + 1])
    judge(step, sorted_set, member, function(own)
      if plan_recheck(own, sorted_set, member, due_ms, now_ms) then kept = kept + 1 end
    end)
  end
  local next_position = sorted_set .. ' ' .. whole(skip + kept)
  if #last < 2 * limit then next_position = sorted_set == 'heartbeats' and 'deadlines 0' or '' end
  plan(step, {'HSET', step.base .. 'monitor', 'recheck', next_position})
  return next_position ~= ''
end

local OVERDUE_FIELDS = {'state', 'stale_after_ms', 'dead_after_ms'}
local ENDING_FIELDS = {'life', 'delivered', 'inbox_until_ms'}

-- Plans the transition of an overdue coordinator. Returns 'stale', 'dead', 'gone', or 'again' if more of its waits were open
-- than one step ends.
local function plan_overdue(own, member, due_ms, now_ms)
  local swarm_id, id = parse_member(member)
  local key, heartbeats = own.base .. 'coordinator:' .. member, own.base .. 'heartbeats'
  local coordinator = read_fields(key, OVERDUE_FIELDS)
  know_type(own, key, 'hash')
  if not is_alive(coordinator) then
    plan(own, {'ZREM', heartbeats, member})
    return 'gone'
  end
  if coordinator['state'] ~= 'stale' then
    local left_ms = check_number(key .. ', dead_after_ms', coordinator['dead_after_ms'])
      - check_number(key .. ', stale_after_ms', coordinator['stale_after_ms'])
    plan_event(own, {'type', 'heartbeat.stale', 'swarm_id', swarm_id, 'coordinator_id', id, 'failure_type',
      coordinator['state'] == 'started' and 'missing' or 'stale'})
    plan(own, {'HSET', key, 'state', 'stale'})
    plan(own, {'ZADD', heartbeats, whole(due_ms + left_ms), member})
    return 'stale'
  end
  if not plan_end_waits(own, swarm_id, id) then return 'again' end
  plan_event(own, {'type', 'heartbeat.stale', 'swarm_id', swarm_id, 'coordinator_id', id, 'failure_type', 'timeout'})
  plan_event(own, {'type', 'timeout', 'swarm_id', swarm_id, 'coordinator_id', id, 'timeout_type', 'heartbeat'})
  plan_end_reader(own, member, read_fields(key, ENDING_FIELDS))
  plan(own, {'HSET', key, 'state', 'dead', 'ended_ms', whole(now_ms), 'inbox_until_ms', ''})
  plan(own, {'ZREM', heartbeats, member})
  plan(own, {'ZADD', own.base .. 'ended', whole(now_ms), member})
  return 'dead'
end

-- Plans the end of a wait or a signal past its deadline. Returns 'waits', 'signals', or nil.
local function plan_deadline(own, member)
  local base = own.base
  local kind, swarm_id, rest = string.match(member, '^(%a)|([^|]+)|(.+)$')
  check_word('kind', kind, {'w', 's'})
  check_id('swarm_id', swarm_id)
  plan(own, {'ZREM', base .. 'deadlines', member})
  if kind == 'w' then return plan_end_wait_of_other(own, swarm_id, check_id('wait_id', rest), 'timeout') and 'waits' or nil end
  local signal, signal_id = swarm_id .. '|' .. rest, check_id('signal_id', string.match(rest, '^[^|]+'))
  local sent = read_hash(base .. 'signal:' .. signal)
  plan_release(own, signal, sent, tonumber(sent['waits'] or '') or 0, math.floor(now_micros() / 1000))
  local sender = read_hash(base .. 'coordinator:' .. swarm_id .. '|' .. (sent['sender_id'] or ''))
  -- An event about a dead sender would revive it in the metrics.
  if not sent['receivers'] or not is_alive(sender) then return nil end
  local _, missing = split_receivers(base, signal, decode_receivers(base .. 'signal:' .. signal, sent['receivers']))
  for _, receiver in ipairs(missing) do
    plan_event(own, {'type', 'timeout', 'swarm_id', swarm_id, 'coordinator_id', sent['sender_id'], 'timeout_type', 'signal_ack',
      'signal_id', signal_id, 'receiver_id', receiver})
  end
  return 'signals'
end

local function step_monitor(keys, args)
  local base = base_of(keys)
  local limit, outage_ms = check_number('limit', args[1]), check_number('outage_ms', args[2])
  local grace_ms = check_number('grace_ms', args[3])
  if limit < 1 or limit > 10000 then fail('limit: expected 1 to 10000; got ' .. args[1]) end
  local now_ms = math.floor(now_micros() / 1000)
  local count, set_aside, more = {stale = 0, dead = 0, waits = 0, signals = 0}, 0, false
  local last = begin_step(base)
  local known = plan_monitor(last, now_ms, outage_ms, grace_ms)
  more = recheck(last, known, now_ms, limit)

  -- Judges the overdue members of a sorted set, and plans their transitions.
  local function move(step, sorted_set, plan_subject)
    local due = redis.call('ZRANGEBYSCORE', base .. sorted_set, '-inf', whole(now_ms), 'WITHSCORES', 'LIMIT', 0, limit)
    if #due == 2 * limit then more = true end
    for i = 1, #due, 2 do
      if #step.events >= STEP_EVENTS then
        more = true
        break
      end
      local what
      local planned = judge(step, sorted_set, due[i], function(own) what = plan_subject(own, due[i], tonumber(due[i + 1])) end)
      if planned and what == 'again' then more = true end
      if planned and count[what] then count[what] = count[what] + 1 end
    end
  end

  if known.grace_left_ms == 0 then
    local step = begin_step(base)
    move(step, 'heartbeats', function(own, member, due_ms)
      -- Death is due by the last beat, whenever a step found it stale; but after a delay by an outage its time starts now.
      return plan_overdue(own, member, now_ms - due_ms > outage_ms and now_ms or due_ms, now_ms)
    end)
    run_step(step) -- first: a wait that ends with its coordinator is no longer overdue
    set_aside = step.set_aside or 0
    move(last, 'deadlines', plan_deadline)
  end
  run_step(last)
  return {count.stale, count.dead, count.waits, count.signals, more and 1 or 0, known.grace_left_ms,
    set_aside + (last.set_aside or 0), count_set_aside(base) or 0, known.began and 1 or 0, known.back_ms}
end

-- Records a piece of work that a coordinator has begun, so that a successor can take it over. The record is JSON:
--   status          open, or transferred
--   assignedTo      who is to do it
--   payload         any text
--   openedAt        ms of the clock of Redis
--   transferredFrom, transferredAt   if it was taken over: from whom last, and when
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 work_id   5 payload
-- Returns 'opened', 'exists' if it already has this work, or 'ended'
-- Cost  constant, about 16 us.

local function open_work(keys, args)
  local base = base_of(keys)
  local swarm_id, id, work_id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2]), check_id('work_id', args[4])
  if not is_present_life(base, swarm_id, id, args[3]) then return 'ended' end
  local record = cjson.encode({
    status = 'open', assignedTo = id, payload = check_text('payload', args[5]), openedAt = math.floor(now_micros() / 1000),
  })
  return redis.call('HSETNX', base .. 'work:' .. swarm_id .. '|' .. id, work_id, record) == 1 and 'opened' or 'exists'
end

-- Removes a finished piece of work.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 work_id
-- Returns 'finished'; 'gone' if it does not have this work, or no longer (a successor may have it); or 'ended'
-- Cost  constant, about 8 us.

local function finish_work(keys, args)
  local base = base_of(keys)
  local swarm_id, id, work_id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2]), check_id('work_id', args[4], 1024)
  if not is_present_life(base, swarm_id, id, args[3]) then return 'ended' end
  return redis.call('HDEL', base .. 'work:' .. swarm_id .. '|' .. id, work_id) == 1 and 'finished' or 'gone' -- the only write
end

-- The open work of a coordinator, see open-work.lua.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id   3 life
-- Returns a list: work id, record as JSON for each; or 'ended' if this life has ended
-- Cost  linear in the pieces of work.

local function list_work(keys, args)
  local base = base_of(keys)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  if not is_present_life(base, swarm_id, id, args[3]) then return 'ended' end
  return redis.call('HGETALL', base .. 'work:' .. swarm_id .. '|' .. id)
end

-- Hands the work and the unsettled signals of an ended coordinator to a live successor. Each item belongs to one of the two
-- at every moment, and is moved once. Work with a malformed record stays.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id of the caller   3 life of the caller   4 coordinator_id of the one that ended
--       5 successor, or '' to elect one: the first by name of the beating coordinators of the swarm
--       6 most items moved by this step
-- Returns {'moved', <successor>, <pieces of work>, <signals>, <1 if more is left: call it again with this successor>};
--         {'alive'} if it has not ended; {'unknown'} if no coordinator with that id has joined: its inbox is for the
--         one that will; {'no_successor'} if none is alive; {'ended'} if the caller's life has ended
-- Cost  about 9 us for each item moved by this step, whatever is left; to elect, linear in the coordinators alive on the shard.

local STEP_BYTES = 8388608 -- after this number a step moves no more: a payload may have 1 MiB
local WRITTEN_AT_ONCE = 100 -- pieces of work written by one command
local READ_AT_ONCE = 8 -- signals read by one command, for the same reason

local function elect_successor(base, swarm_id)
  local elected
  for _, member in ipairs(redis.call('ZRANGE', base .. 'heartbeats', 0, -1)) do
    local swarm, id = string.match(member, '^([^|]+)|(.+)$')
    if swarm == swarm_id and (not elected or id < elected)
      and redis.call('HGET', base .. 'coordinator:' .. member, 'state') == 'beating' then
      elected = id
    end
  end
  return elected
end

-- Plans the transfer of work. Returns the number of pieces, their bytes, and whether more are left that can be moved. They
-- are taken at random: to read the first ones of any order, Redis would have to read all. A malformed record stays where it is.
local function plan_work(step, transfer, limit)
  local swarm_id, id, successor = transfer.swarm_id, transfer.from, transfer.to
  local from, to = step.base .. 'work:' .. swarm_id .. '|' .. id, step.base .. 'work:' .. swarm_id .. '|' .. successor
  local now_ms, taken, work, bytes = math.floor(now_micros() / 1000), {}, 0, 0
  local records, work_ids, is_empty = {}, {}, check_type(step, to, 'hash') == 0
  local function plan_moved()
    plan(step, {'HSET', to, unpack(records)})
    plan(step, {'HDEL', from, unpack(work_ids)})
    records, work_ids = {}, {}
  end
  local found = redis.call('HRANDFIELD', from, limit)
  know_type(step, from, 'hash')
  for _, work_id in ipairs(found) do
    if bytes >= STEP_BYTES then break end
    local record = redis.call('HGET', from, work_id)
    local decoded, item = pcall(cjson.decode, record)
    if decoded and type(item) == 'table' then
      item['status'], item['assignedTo'], item['transferredFrom'], item['transferredAt'] = 'transferred', successor, id, now_ms
      -- Work with the same name that the successor already has, its own or taken over, stays unchanged.
      local name, number = work_id, 1
      while taken[name] or not is_empty and redis.call('HEXISTS', to, name) == 1 do
        name, number = work_id .. '@' .. id .. (number > 1 and '.' .. number or ''), number + 1
      end
      taken[name] = true
      records[#records + 1] = name
      records[#records + 1] = cjson.encode(item)
      work_ids[#work_ids + 1] = work_id
      work, bytes = work + 1, bytes + #record
    end
    if #work_ids == WRITTEN_AT_ONCE then plan_moved() end
  end
  if #work_ids > 0 then plan_moved() end
  return work, bytes, work > 0 and work < redis.call('HLEN', from)
end

-- Plans the transfer of signals. Returns their number, and whether more are left.
local function plan_signals(step, from, to, limit, bytes)
  local inbox, next_inbox = step.base .. 'inbox:' .. from, step.base .. 'inbox:' .. to
  local signals, after, left = 0, '-', redis.call('XLEN', inbox)
  while signals < math.min(limit, left) and bytes < STEP_BYTES do
    local entries = redis.call('XRANGE', inbox, after, '+', 'COUNT', math.min(READ_AT_ONCE, limit - signals))
    if #entries == 0 then break end
    local moved = {'XDEL', inbox}
    plan(step, moved)
    for _, entry in ipairs(entries) do
      plan(step, {'XADD', next_inbox, '*', unpack(entry[2])})
      moved[#moved + 1] = entry[1]
      signals, after = signals + 1, '(' .. entry[1]
      for _, text in ipairs(entry[2]) do bytes = bytes + #text end
    end
  end
  return signals, signals < left
end

local function take_over(keys, args)
  local base = base_of(keys)
  local swarm_id, caller = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local id, limit = check_id('ended_id', args[4]), check_number('limit', args[6])
  if limit < 1 or limit > 10000 then fail('limit: expected 1 to 10000; got ' .. args[6]) end
  local successor = check_text('successor', args[5]) ~= '' and check_id('successor', args[5])
  if not is_present_life(base, swarm_id, caller, args[3]) then return {'ended'} end
  local left = read_hash(base .. 'coordinator:' .. swarm_id .. '|' .. id)
  if is_alive(left) then return {'alive'} end
  if left['state'] ~= 'dead' and left['state'] ~= 'stopped' then return {'unknown'} end
  successor = successor or elect_successor(base, swarm_id)
  if not successor or successor == id then return {'no_successor'} end
  local successor_name = swarm_id .. '|' .. successor
  local owner = read_hash(base .. 'coordinator:' .. successor_name)
  if not is_alive(owner) then return {'no_successor'} end

  local step = begin_step(base)
  local work, bytes, more = plan_work(step, {swarm_id = swarm_id, from = id, to = successor}, limit)
  local signals = 0
  if not more then signals, more = plan_signals(step, swarm_id .. '|' .. id, successor_name, limit - work, bytes) end
  if signals > 0 then
    local now_ms = math.floor(now_micros() / 1000)
    plan_keep_inbox(step, successor_name, owner, read_inbox_until_ms(base .. 'inbox:' .. swarm_id .. '|' .. id, now_ms))
  end
  run_step(step)
  return {'moved', successor, work, signals, more and 1 or 0}
end

-- Removes the keys of coordinators whose last life ended long ago, by exact name, if they have not changed since they were
-- found. Work and signals that nobody took over are kept, and reported. Timestamps are checked against the clock of Redis.
--
-- KEYS  1 stream of events
-- ARGV  1 ended for at least, ms   2 most coordinators looked at   3 'dry_run', 'remove', or 'retain': like 'remove', but only
--         for those that are old enough, and without an event for each refusal; aggregators do this periodically
--       4 earliest plausible time, ms   5 how far in the future a time may be, ms   6 skip the first n
-- Returns a list with, for each coordinator looked at: <swarm>|<id>, 'removed', 'would_remove', 'kept' (it has work or
--         signals) or the reason of a refusal: 'not_a_number', 'not_whole', 'in_the_future', 'too_old', 'in_seconds',
--         'in_microseconds', 'alive', 'changed', 'malformed' (a key of another type)
-- Cost  linear in the coordinators looked at.

local function judge_time(text, now_ms, earliest_ms, tolerance_ms)
  -- Lua accepts 0x10, 1e12 and spaces around a number; nothing here writes these.
  if string.match(text, '^%-?%d+%.%d+$') then return 'not_whole' end
  local ms = string.match(text, '^%-?%d+$') and tonumber(text)
  if not ms or ms == math.huge or ms == -math.huge then return 'not_a_number' end
  if ms >= earliest_ms and ms <= now_ms + tolerance_ms then return nil end
  local function is_near(other) return other >= earliest_ms and other <= now_ms + tolerance_ms end
  if is_near(ms * 1000) then return 'in_seconds' end
  if is_near(ms / 1000) then return 'in_microseconds' end
  return ms > now_ms and 'in_the_future' or 'too_old'
end

-- The examined members of the index, and their times: member, time, member, time …
local function list_ended(base, mode, skip, limit, until_ms)
  if mode == 'retain' then
    return redis.call('ZRANGEBYSCORE', base .. 'ended', '-inf', whole(until_ms), 'WITHSCORES', 'LIMIT', skip, limit)
  end
  return redis.call('ZRANGE', base .. 'ended', skip, skip + limit - 1, 'WITHSCORES')
end

-- The verdict for a coordinator; nil if it ended too recently.
local function judge_ended(base, member, indexed_ms, times)
  local coordinator = read_hash(base .. 'coordinator:' .. member)
  if is_alive(coordinator) then return 'alive' end
  local ended = coordinator['ended_ms'] or ''
  local refusal = judge_time(ended, times.now_ms, times.earliest_ms, times.tolerance_ms)
  if refusal then return refusal end
  if tonumber(ended) ~= tonumber(indexed_ms) then return 'changed' end
  if times.now_ms - tonumber(ended) < times.idle_ms then return nil end
  local left = redis.call('HLEN', base .. 'work:' .. member) + redis.call('XLEN', base .. 'inbox:' .. member)
  return left > 0 and 'kept' or 'removed', split_life(coordinator['life'])
end

local function plan_removal(step, member)
  local base = step.base
  plan(step, {'UNLINK', base .. 'coordinator:' .. member, base .. 'inbox:' .. member, base .. 'bell:' .. member,
    base .. 'waits:' .. member, base .. 'settled:' .. member})
  plan(step, {'ZREM', base .. 'ended', member})
  local swarm_id, id = string.match(member, '^([^|]+)|(.+)$')
  plan_event(step, {'type', 'cleanup.removed', 'swarm_id', swarm_id, 'removed_id', id})
end

local function clean_up(keys, args)
  local base = base_of(keys)
  local limit, mode, skip = check_number('limit', args[2], 10000), args[3], check_number('skip', args[6])
  if limit < 1 then fail('limit: expected 1 to 10000; got ' .. args[2]) end
  check_word('mode', mode, {'dry_run', 'remove', 'retain'})
  local times = {
    idle_ms = check_number('ended_for_ms', args[1]), now_ms = math.floor(now_micros() / 1000),
    earliest_ms = check_number('earliest_ms', args[4]), tolerance_ms = check_number('tolerance_ms', args[5]),
  }
  local step, report = begin_step(base), {}
  local known_highest = split_life(redis.call('GET', base .. 'lives') or '0')
  local highest = known_highest
  local members = list_ended(base, mode, skip, limit, times.now_ms - times.idle_ms)
  for i = 1, #members, 2 do
    local member = members[i]
    local judged, verdict, life = pcall(judge_ended, base, member, members[i + 1], times)
    if not judged then verdict = read_malformation(verdict) and 'malformed' or fail_again(verdict) end
    local swarm_id, id = string.match(member, '^([^|]+)|(.+)$')
    if verdict == 'removed' and mode == 'dry_run' then
      verdict = 'would_remove'
    elseif verdict == 'removed' then
      highest = math.max(highest, life)
      plan_removal(step, member)
    elseif verdict and mode == 'remove' and verdict ~= 'kept' and verdict ~= 'malformed' and swarm_id then
      plan_event(step, {'type', 'cleanup.refused', 'swarm_id', swarm_id, 'refused_id', id, 'reason', verdict})
    end
    if verdict then
      report[#report + 1] = member
      report[#report + 1] = verdict
    end
  end
  if highest > known_highest then plan(step, {'SET', base .. 'lives', whole(highest)}) end
  run_step(step)
  return report
end

redis.register_function('streamfold_1_start_coordinator', start_coordinator)
redis.register_function('streamfold_1_beat', beat)
redis.register_function('streamfold_1_change_phase', change_phase)
redis.register_function('streamfold_1_stop_coordinator', stop_coordinator)
redis.register_function('streamfold_1_send_signal', send_signal)
redis.register_function('streamfold_1_acknowledge_signal', acknowledge_signal)
redis.register_function('streamfold_1_settle_signal', settle_signal)
redis.register_function('streamfold_1_list_settled', list_settled)
redis.register_function('streamfold_1_read_near_bound', read_near_bound)
redis.register_function('streamfold_1_read_acks', read_acks)
redis.register_function('streamfold_1_reject_ack', reject_ack)
redis.register_function('streamfold_1_start_wait', start_wait)
redis.register_function('streamfold_1_finish_wait', finish_wait)
redis.register_function('streamfold_1_step_monitor', step_monitor)
redis.register_function('streamfold_1_open_work', open_work)
redis.register_function('streamfold_1_finish_work', finish_work)
redis.register_function('streamfold_1_list_work', list_work)
redis.register_function('streamfold_1_take_over', take_over)
redis.register_function('streamfold_1_clean_up', clean_up)
redis.register_function{function_name='streamfold_1_build', flags={'no-writes'},
  callback=function() return '12 b48ed93b70ce' end}
