-- Records a piece of work that a coordinator has begun, so that a successor can take it over. The record is JSON:
--   status          open, or transferred
--   assignedTo      who is to do it
--   payload         any text
--   openedAt        ms of the clock of Redis
--   transferredFrom, transferredAt   if it was taken over: from whom last, and when
--
-- KEYS  1 stream of events   coordinator, work
-- ARGV  1 swarm_id   2 coordinator_id   3 life   4 work_id   5 payload
-- Returns 'opened', 'exists' if it already has this work, or 'ended'
-- Cost  constant, about 16 us.

local function open_work(keys, args)
  local swarm_id, id, work_id = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2]), check_id('work_id', args[4])
  need(keys, 'coordinator:' .. swarm_id .. '|' .. id, 'work:' .. swarm_id .. '|' .. id)
  if not is_present_life(keys, swarm_id, id, args[3]) then return 'ended' end
  local record = cjson.encode({
    status = 'open', assignedTo = id, payload = check_text('payload', args[5]), openedAt = math.floor(now_micros() / 1000),
  })
  return redis.call('HSETNX', key_of(keys, 'work:' .. swarm_id .. '|' .. id), work_id, record) == 1 and 'opened' or 'exists'
end
