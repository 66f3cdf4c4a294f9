-- Ends a wait: completed if all have ACKed, whatever is asked; else as asked. A timeout is reported once for the wait
-- (`timeout` of type `blocking`) and once for each receiver that is missing (`signal_ack`, of the waiting coordinator).
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 wait_id   3 'if_complete', 'timeout' or 'error'   4 'any': every ACK counts; 'verified': only
--       those of the receivers that follow, as their signatures were found good   5 … receivers
-- Returns {'finished', <status>, <duration, decimal ms>, <who has ACKed, separated by spaces>, <who has not>}, the same
--         again where it has ended before (a monitor may have ended it); {'open'} where it was to be ended only if
--         complete, and is not; {'gone'} where it has not been for a minute
-- Cost  some 55 us for one receiver, linear in the receivers.

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
