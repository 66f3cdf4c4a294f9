-- Removes what coordinators left whose last life ended long ago: their own keys, by exact name, if they still are as they
-- were found. Work and signals that nobody took over are kept, and told of. Timestamps are held against the clock of Redis.
--
-- KEYS  1 stream of events
-- ARGV  1 ended for at least, ms   2 most coordinators looked at   3 'dry_run' or 'remove'
--       4 earliest time that can be true, ms   5 how far in the future a time may be, ms   6 skip the first n (dry run)
-- Returns a list with, for each coordinator looked at: <swarm>|<id>, 'removed', 'would_remove', 'kept' (it has work or
--         signals) or the reason of a refusal: 'not_a_number', 'not_whole', 'in_the_future', 'too_old', 'in_seconds',
--         'in_microseconds', 'alive', 'changed'
-- Cost  linear in the coordinators looked at.

local function judge_time(text, now_ms, earliest_ms, tolerance_ms)
  -- Lua takes 0x10, 1e12 and spaces around a number for one; nothing here writes these.
  if string.match(text, '^%-?%d+%.%d+$') then return 'not_whole' end
  local ms = string.match(text, '^%-?%d+$') and tonumber(text)
  if not ms or ms == math.huge or ms == -math.huge then return 'not_a_number' end
  if ms >= earliest_ms and ms <= now_ms + tolerance_ms then return nil end
  local function is_near(other) return other >= earliest_ms and other <= now_ms + tolerance_ms end
  if is_near(ms * 1000) then return 'in_seconds' end
  if is_near(ms / 1000) then return 'in_microseconds' end
  return ms > now_ms and 'in_the_future' or 'too_old'
end

local function clean_up(keys, args)
  local base = base_of(keys)
  local idle_ms, limit, mode = check_number('ended_for_ms', args[1]), check_number('limit', args[2], 10000), args[3]
  local earliest_ms, tolerance_ms = check_number('earliest_ms', args[4]), check_number('tolerance_ms', args[5])
  local skip = check_number('skip', args[6])
  if limit < 1 then fail('limit: expected 1 to 10000; got ' .. args[2]) end
  check_word('mode', mode, {'dry_run', 'remove'})
  local now_ms = math.floor(now_micros() / 1000)
  local members = redis.call('ZRANGE', base .. 'ended', skip, skip + limit - 1, 'WITHSCORES')
  local report, events, highest = {}, {}, tonumber(redis.call('GET', base .. 'lives') or '0')
  for i = 1, #members, 2 do
    local member = members[i]
    local swarm_id, id = string.match(member, '^([^|]+)|(.+)$')
    local key = base .. 'coordinator:' .. member
    local coordinator = read_hash(key)
    local ended = coordinator['ended_ms'] or ''
    local verdict
    if is_alive(coordinator) then
      verdict = 'alive'
    else
      verdict = judge_time(ended, now_ms, earliest_ms, tolerance_ms)
      if not verdict and tonumber(ended) ~= tonumber(members[i + 1]) then verdict = 'changed' end
    end
    if not verdict and now_ms - tonumber(ended) >= idle_ms then
      local left = redis.call('HLEN', base .. 'work:' .. member) + redis.call('XLEN', base .. 'inbox:' .. member)
      verdict = left > 0 and 'kept' or mode == 'remove' and 'removed' or 'would_remove'
    end
    if verdict then
      report[#report + 1] = member
      report[#report + 1] = verdict
    end
    if verdict == 'removed' then
      highest = math.max(highest, tonumber(coordinator['life']) or 0)
      redis.call('UNLINK', key, base .. 'inbox:' .. member, base .. 'bell:' .. member, base .. 'waits:' .. member)
      redis.call('ZREM', base .. 'ended', member)
      events[#events + 1] = {'type', 'cleanup.removed', 'swarm_id', swarm_id, 'removed_id', id}
    elseif verdict and mode == 'remove' and verdict ~= 'kept' and swarm_id then
      events[#events + 1] = {'type', 'cleanup.refused', 'swarm_id', swarm_id, 'refused_id', id, 'reason', verdict}
    end
  end
  if #events > 0 and highest > 0 then redis.call('SET', base .. 'lives', whole(highest)) end
  append_events(base, events)
  return report
end
