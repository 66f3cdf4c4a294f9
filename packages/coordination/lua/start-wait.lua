-- Begins a wait of a sender for the ACKs of one signal and iteration: `wait.started`. From now on monitors watch its deadline,
-- so that it ends even if its process dies.
--
-- KEYS  1 stream of events   coordinator, wait, waits of the coordinator, signal, acks, deadlines
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 wait_id   5 signal_id   6 iteration   7 timeout, ms
--       8 how long after the timeout a monitor ends it, ms: the waiter itself acts first
--       9 optional: a random token of this call, by which a repeated call is recognized
-- Returns 'open', also to the same call again; 'unknown' if there is no such signal, or no longer; 'not_sender' if another
--         coordinator sent it; 'exists' if there is, or was within a minute, a wait with that id; 'ended' if this life has ended
-- Cost  about 48 us for one receiver, linear in the receivers.

local WAITED_FIELDS = {'sent_micros', 'sender_id', 'receivers', 'waits'}

local function start_wait(keys, args)
  local swarm_id, id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local wait_id, signal_id = check_id('wait_id', args[4]), check_id('signal_id', args[5])
  local iteration = whole(check_number('iteration', args[6]))
  local timeout_ms, slack_ms = check_number('timeout_ms', args[7], LONGEST_MS), check_number('slack_ms', args[8], LONGEST_MS)
  local signal = swarm_id .. '|' .. signal_id .. '|' .. iteration
  local name = swarm_id .. '|' .. id
  need(keys, 'coordinator:' .. name, 'wait:' .. swarm_id .. '|' .. wait_id, 'waits:' .. name, 'signal:' .. signal,
    'acks:' .. signal, 'deadlines')
  local signal_key = key_of(keys, 'signal:' .. signal)
  local sent = read_fields(signal_key, WAITED_FIELDS)
  if not is_present_life(keys, swarm_id, id, args[3]) then return 'ended' end
  if not sent['sent_micros'] then return 'unknown' end
  if sent['sender_id'] ~= id then return 'not_sender' end
  local key = key_of(keys, 'wait:' .. swarm_id .. '|' .. wait_id)
  local token = args[9] or ''
  if #token > 64 then fail('token: expected at most 64 bytes; got ' .. #token) end
  if redis.call('EXISTS', key) == 1 then
    return token ~= '' and redis.call('HGET', key, 'token') == token and 'open' or 'exists'
  end

  local micros, receivers = now_micros(), decode_receivers(signal_key, sent['receivers'])
  local step = begin_step(keys)
  know_type(step, key, 'hash')
  know_type(step, signal_key, 'hash')
  plan(step, {'HSET', key, 'coordinator_id', id, 'signal_id', signal_id, 'iteration', iteration, 'receivers',
    sent['receivers'], 'started_micros', whole(micros), 'token', token})
  local kept_ms = timeout_ms + slack_ms + KEPT_AFTER_MS
  if redis.call('PTTL', signal_key) < kept_ms then
    plan(step, {'PEXPIRE', signal_key, whole(kept_ms), 'GT'})
    plan(step, {'PEXPIRE', key_of(keys, 'acks:' .. signal), whole(kept_ms), 'GT'})
  end
  local waits = tonumber(sent['waits'] or '') -- none: sent with an earlier edition
  if waits then plan(step, {'HSET', signal_key, 'waits', whole(waits + 1)}) end
  plan(step, {'SADD', key_of(keys, 'waits:' .. name), wait_id})
  plan(step, {'ZREM', key_of(keys, 'deadlines'), 's|' .. signal}) -- from now on this wait reports missing receivers
  plan(step, {'ZADD', key_of(keys, 'deadlines'), whole(math.floor(micros / 1000) + timeout_ms + slack_ms),
    'w|' .. swarm_id .. '|' .. wait_id})
  plan_event(step, {'type', 'wait.started', 'swarm_id', swarm_id, 'coordinator_id', id, 'wait_id', wait_id,
    'timeout_ms', whole(timeout_ms), 'expected', whole(#receivers)})
  run_step(step)
  return 'open'
end
