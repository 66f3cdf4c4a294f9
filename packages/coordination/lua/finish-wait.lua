-- Ends a wait: completed if all have ACKed, whatever is requested; otherwise as requested. A timeout is reported once for
-- the wait (`timeout` of type `blocking`) and once for each missing receiver (`signal_ack`, of the waiting coordinator).
--
-- KEYS  1 stream of events   wait; of its coordinator: waits; signal, acks, deadlines
-- ARGV  1 swarm_id   2 wait_id   3 'if_complete', 'timeout' or 'error'   4 'any': every ACK counts; 'verified': only
--       those of the following receivers, whose signatures are good   5 … receivers
-- Returns {'finished', <status>, <duration, decimal ms>, <receivers that have ACKed, separated by spaces>, <the others>},
--         the same again if it has already ended (a monitor may have ended it); {'open'} if it was to be ended only if
--         complete, and is not; {'gone'} if it ended more than a minute ago or never existed
-- Cost  about 55 us for one receiver, linear in the receivers.

local function finish_wait(keys, args)
  local swarm_id, wait_id, how = check_id('swarm_id', args[1]), check_id('wait_id', args[2]), args[3]
  check_word('status', how, {'if_complete', 'timeout', 'error'})
  local verified
  if check_word('acks', args[4], {'any', 'verified'}) == 'verified' then
    verified = {}
    for i = 5, #args do verified[args[i]] = true end
  end
  local key = key_of(keys, 'wait:' .. swarm_id .. '|' .. wait_id)
  local wait, ended = read_open_wait(key)
  if not wait then
    if not ended['status'] then return {'gone'} end
    return {'finished', ended['status'], ended['duration_ms'], ended['acked'], ended['missing']}
  end
  local step = begin_step(keys)
  local _, _, outcome = plan_end_wait(step, swarm_id, wait_id, how, verified)
  if how == 'if_complete' and outcome[1] ~= 'completed' then return {'open'} end
  run_step(step)
  return {'finished', unpack(outcome)}
end
