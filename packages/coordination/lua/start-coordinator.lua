-- Begins a life of a coordinator: `coordinator.started`. Open waits left by an earlier life (its process was killed) are first
-- ended as errors. A live id begins a new life, too: its process was restarted, or it was started twice, and the previous life
-- has ended.
--
-- A client generates a token once each time it joins: the same token again is the same life. So a first attempt that
-- arrives late, after its retry has begun a life, changes nothing.
--
-- KEYS  1 stream of events   coordinator, inbox, waits, heartbeats, ended, lives; those of open waits, as asked for
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
  local keys, now_ms = step.keys, math.floor(now_micros() / 1000)
  local stale_after_ms = tonumber(args[4])
  plan(step, {'HSET', key_of(keys, 'coordinator:' .. name), 'life', life, 'state', 'started', 'phase',
    args[3] ~= '' and args[3] or 'unknown', 'stale_after_ms', whole(stale_after_ms), 'dead_after_ms', whole(tonumber(args[5])),
    'started_ms', whole(now_ms), 'beat_ms', '', 'ended_ms', ''})
  if stale_after_ms > 0 then
    plan(step, {'ZADD', key_of(keys, 'heartbeats'), whole(now_ms + stale_after_ms), name})
  else
    plan(step, {'ZREM', key_of(keys, 'heartbeats'), name})
  end
  plan(step, {'ZREM', key_of(keys, 'ended'), name})
  local inbox = key_of(keys, 'inbox:' .. name)
  local left_ms = redis.call('PTTL', inbox)
  if left_ms == -2 or not has_reader(keys, name, life) then -- -2: there is no inbox
    plan(step, {'XGROUP', 'CREATE', inbox, 'life-' .. life, '0', 'MKSTREAM'})
  end
  plan_adopt_inbox(step, name, before, {now_ms = now_ms, left_ms = left_ms})
end

local function start_coordinator(keys, args)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local phase = check_text('phase', args[3]) ~= '' and check_id('phase', args[3], 64) or nil
  local stale_after_ms, dead_after_ms = check_number('stale_after_ms', args[4]), check_number('dead_after_ms', args[5])
  if stale_after_ms > 0 and dead_after_ms <= stale_after_ms then
    fail('dead_after_ms: expected more than stale_after_ms, ' .. args[4] .. '; got ' .. args[5])
  end
  local token, name = check_token(args[6]), swarm_id .. '|' .. id
  need(keys, 'coordinator:' .. name, 'inbox:' .. name, 'waits:' .. name, 'heartbeats', 'ended', 'lives')
  local key, step = key_of(keys, 'coordinator:' .. name), begin_step(keys)
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
  if not before['life'] then number = split_life(redis.call('GET', key_of(keys, 'lives')) or '0') end
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
