-- Delivers a signal to the inbox of each receiver: `signal.sent` for each. The same signal and iteration again is the same
-- signal: nothing is delivered, nothing is counted.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 sender_id   3 life of the sender   4 signal_id   5 iteration   6 signal_type   7 payload, any text
--       8 ACKs are due within, ms; 0: never   9 how long the signal is remembered, ms   10 key_id, or ''
--       11 `<nonce>|<sent_ms>|<deliver_by_ms>`: the nonce is new for each signal; the times, of Redis, are those that were
--          signed, or both empty
--       12 … for each receiver (at least one, each once, at most 1,000) three values: receiver_id, signature or '', and if
--          that is the one that the earlier version checks: the other one, else ''
--       The earlier version gives no nonce: 11 … are two values for each receiver, receiver_id and its signature or ''.
-- Returns {'sent', <sent, ms of the clock of Redis>, <that clock now, ms>}; {'repeated', <sent>, <signal_type>, <receivers as
--         JSON>, <nonce or ''>} as it was sent before; {'not_sender'} if another coordinator sent it; {'ended'} if the
--         sender's life has ended; {'late', <now>, <latest ID of the inboxes, ms>} if the times do not fit the clock: sign
--         again; {'full', <receivers whose inboxes are full, separated by spaces>}, to the earlier version an error
-- Cost  some 50 us, and 20 to 30 us a receiver; in bytes: the payload for each receiver, 32 MiB in all at most.

local DELIVERED_BYTES = 32 * 1024 * 1024 -- copied by one call: some 50 ms of Redis

local function read_receivers(args)
  local nonce, sent_ms, deliver_by_ms = string.match(args[11] or '', '^([^|]*)|(%d*)|(%d*)$')
  local to = {ids = {}, signatures = {}, nonce = nonce and check_nonce(nonce)}
  if nonce and sent_ms .. deliver_by_ms ~= '' then
    to.sent_ms, to.deliver_by_ms = check_number('sent_ms', sent_ms), check_number('deliver_by_ms', deliver_by_ms)
  end
  local width = nonce and 3 or 2
  for i = nonce and 12 or 11, #args, width do
    local receiver = check_id('receiver_id', args[i])
    if to.signatures[receiver] then fail('receivers: expected each once; got ' .. receiver .. ' twice') end
    local signatures = {}
    for at = 1, width - 1 do signatures[at] = check_signature('signature', args[i + at]) end
    to.signatures[receiver] = signatures
    to.ids[#to.ids + 1] = receiver
  end
  if #to.ids < 1 or #to.ids > 1000 then fail('receivers: expected 1 to 1000; got ' .. #to.ids) end
  return to
end

-- The latest ID of these inboxes, ms: ahead of the clock after that was set back.
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
  if not read_life(base, swarm_id, sender_id, args[3]) then return {'ended'} end

  local micros = now_micros()
  local now_ms = math.floor(micros / 1000)
  if to.sent_ms then
    local latest_ms = math.max(now_ms, read_latest_ms(base, swarm_id, to.ids))
    if to.sent_ms > now_ms or latest_ms > to.deliver_by_ms then return {'late', whole(now_ms), whole(latest_ms)} end
  end
  local sent_ms = whole(to.sent_ms or now_ms)
  local step, full = begin_step(base), {}
  for _, receiver in ipairs(to.ids) do
    local signatures = to.signatures[receiver]
    local entry = {'signal_id', signal_id, 'iteration', iteration, 'sender_id', sender_id, 'receiver_id', receiver,
      'signal_type', signal_type, 'payload', payload, 'sent_ms', sent_ms, 'key_id', key_id, 'signature', signatures[1],
      'expires_ms', whole(now_ms + kept_ms)}
    if to.nonce then
      for _, text in ipairs({'nonce', to.nonce, 'deliver_by_ms', to.deliver_by_ms and whole(to.deliver_by_ms) or '',
        'signature_2', signatures[2]}) do entry[#entry + 1] = text end
    end
    if not plan_delivery(step, swarm_id .. '|' .. receiver, entry, now_ms, kept_ms) then full[#full + 1] = receiver end
    plan_event(step, {'type', 'signal.sent', 'swarm_id', swarm_id, 'sender_id', sender_id, 'receiver_id', receiver,
      'signal_type', signal_type, 'signal_id', signal_id})
  end
  if #full > 0 then
    local names = table.concat(full, ' ')
    return to.nonce and {'full', names} or fail('receivers: expected room in each inbox; full are those of ' .. names)
  end
  plan(step, 'HSET', key, 'sender_id', sender_id, 'signal_type', signal_type, 'receivers', cjson.encode(to.ids), 'open', #to.ids,
    'sent_micros', whole(micros), 'sent_ms', sent_ms, 'nonce', to.nonce or '', 'keep_until_ms', whole(now_ms + kept_ms),
    'waits', '0')
  plan(step, 'PEXPIRE', key, whole(due_ms > 0 and math.max(kept_ms, due_ms + KEPT_AFTER_MS) or kept_ms))
  if due_ms > 0 then plan(step, 'ZADD', base .. 'deadlines', whole(now_ms + due_ms), 's|' .. signal) end
  run_step(step)
  return {'sent', sent_ms, whole(now_ms)}
end
