-- Removes the keys of coordinators whose last life ended long ago, by exact name, if they have not changed since they were
-- found. Work and signals that nobody took over are kept, and reported. Timestamps are checked against the clock of Redis.
--
-- KEYS  1 stream of events   ended, lives; coordinators, and of those that may be removed work, inbox, bell, waits, settled: as
--       asked for
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
local function list_ended(keys, mode, skip, limit, until_ms)
  if mode == 'retain' then
    return redis.call('ZRANGEBYSCORE', key_of(keys, 'ended'), '-inf', whole(until_ms), 'WITHSCORES', 'LIMIT', skip, limit)
  end
  return redis.call('ZRANGE', key_of(keys, 'ended'), skip, skip + limit - 1, 'WITHSCORES')
end

-- The verdict for a coordinator; nil if it ended too recently.
local function judge_ended(keys, member, indexed_ms, times)
  local coordinator = read_hash(key_of(keys, 'coordinator:' .. member))
  if is_alive(coordinator) then return 'alive' end
  local ended = coordinator['ended_ms'] or ''
  local refusal = judge_time(ended, times.now_ms, times.earliest_ms, times.tolerance_ms)
  if refusal then return refusal end
  if tonumber(ended) ~= tonumber(indexed_ms) then return 'changed' end
  if times.now_ms - tonumber(ended) < times.idle_ms then return nil end
  need(keys, 'work:' .. member, 'inbox:' .. member, 'bell:' .. member, 'waits:' .. member, 'settled:' .. member)
  local left = redis.call('HLEN', key_of(keys, 'work:' .. member)) + redis.call('XLEN', key_of(keys, 'inbox:' .. member))
  return left > 0 and 'kept' or 'removed', split_life(coordinator['life'])
end

local function plan_removal(step, member)
  local keys = step.keys
  plan(step, {'UNLINK', key_of(keys, 'coordinator:' .. member), key_of(keys, 'inbox:' .. member), key_of(keys, 'bell:' .. member),
    key_of(keys, 'waits:' .. member), key_of(keys, 'settled:' .. member)})
  plan(step, {'ZREM', key_of(keys, 'ended'), member})
  local swarm_id, id = string.match(member, '^([^|]+)|(.+)$')
  plan_event(step, {'type', 'cleanup.removed', 'swarm_id', swarm_id, 'removed_id', id})
end

local function clean_up(keys, args)
  local limit, mode, skip = check_number('limit', args[2], 10000), args[3], check_number('skip', args[6])
  if limit < 1 then fail('limit: expected 1 to 10000; got ' .. args[2]) end
  check_word('mode', mode, {'dry_run', 'remove', 'retain'})
  local times = {
    idle_ms = check_number('ended_for_ms', args[1]), now_ms = math.floor(now_micros() / 1000),
    earliest_ms = check_number('earliest_ms', args[4]), tolerance_ms = check_number('tolerance_ms', args[5]),
  }
  need(keys, 'ended', 'lives')
  local step, report = begin_step(keys), {}
  local known_highest = split_life(redis.call('GET', key_of(keys, 'lives')) or '0')
  local highest = known_highest
  local members = list_ended(keys, mode, skip, limit, times.now_ms - times.idle_ms)
  for i = 1, #members, 2 do
    local member = members[i]
    local judged, verdict, life = pcall(judge_ended, keys, member, members[i + 1], times)
    if not judged and verdict == WANTING then
      verdict = nil -- asked for below, together with the keys of the others
    elseif not judged then
      verdict = read_malformation(verdict) and 'malformed' or fail_again(verdict)
    end
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
  ask_for_wanted(keys)
  if highest > known_highest then plan(step, {'SET', key_of(keys, 'lives'), whole(highest)}) end
  run_step(step)
  return report
end
