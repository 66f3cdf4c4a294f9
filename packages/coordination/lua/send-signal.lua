-- Delivers a signal to the inbox of each receiver: `signal.sent` for each. The same signal and iteration again is the same
-- signal: nothing is delivered, nothing is counted.
--
-- KEYS  1 stream of events   signal, coordinator of the sender, deadlines if ACKs are due; of each receiver: inbox, coordinator;
--       near-bound, if an inbox is nearly full
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
local function read_latest_ms(keys, swarm_id, receivers)
  local latest_ms = 0
  for _, receiver in ipairs(receivers) do
    local inbox = find_key(keys, 'inbox:' .. swarm_id .. '|' .. receiver)
    local stream = inbox and redis.pcall('XINFO', 'STREAM', inbox)
    if stream and not stream.err then
      latest_ms = math.max(latest_ms, tonumber(string.match(fields_of(stream)['last-generated-id'], '^%d+')))
    end
  end
  return latest_ms
end

local function reply_late(keys, swarm_id, to, now_ms)
  local latest_ms = math.max(now_ms, read_latest_ms(keys, swarm_id, to.ids))
  ask_for_wanted(keys)
  return {'late', whole(now_ms), whole(latest_ms)}
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
  local inbox_of, coordinator_of = 'inbox:' .. swarm_id .. '|', 'coordinator:' .. swarm_id .. '|'
  local keys, ids, inboxes, full = step.keys, to.ids, {}, {}
  for at = 1, #ids do
    local inbox, key = find_key(keys, inbox_of .. ids[at]), find_key(keys, coordinator_of .. ids[at])
    inboxes[at] = inbox
    if inbox and key and not plan_delivery(step, inbox, key, keep) then full[#full + 1] = ids[at] end
  end
  ask_for_wanted(keys)
  check_appends(inboxes, to.deliver_by_ms ~= nil) -- an entry with an ID too late for the signature is removed again
  local second_at = to.second_signatures and #entry + 1
  plan_entries(step, inboxes, entry, function(write, at)
    write[2], write[11], write[21] = inboxes[at], ids[at], to.signatures[at]
    if second_at then write[second_at], write[second_at + 1] = 'signature_2', to.second_signatures[at] end
  end)
  return full
end

local function send_signal(keys, args)
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
  need(keys, 'signal:' .. signal, 'coordinator:' .. swarm_id .. '|' .. sender_id)
  local key = key_of(keys, 'signal:' .. signal)
  local before = read_hash(key)
  if before['sent_micros'] then
    if before['sender_id'] ~= sender_id then return {'not_sender'} end
    local before_ms = before['sent_ms'] or whole(math.floor(tonumber(before['sent_micros']) / 1000))
    return {'repeated', before_ms, before['signal_type'], before['receivers'], before['nonce'] or ''}
  end
  if not is_present_life(keys, swarm_id, sender_id, args[3]) then return {'ended'} end

  local micros = now_micros()
  local now_ms = math.floor(micros / 1000)
  if to.sent_ms and (to.sent_ms > now_ms or now_ms > to.deliver_by_ms) then return reply_late(keys, swarm_id, to, now_ms) end
  local step, until_ms = begin_step(keys), now_ms + kept_ms
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
  if due_ms > 0 then plan(step, {'ZADD', key_of(keys, 'deadlines'), whole(now_ms + due_ms), 's|' .. signal}) end
  if not run_step(step, to.deliver_by_ms) then return reply_late(keys, swarm_id, to, now_ms) end
  return {'sent', sent_ms, to.sent_ms and whole(now_ms) or sent_ms}
end
