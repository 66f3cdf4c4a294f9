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
-- KEYS  1 stream of events   heartbeats, deadlines, monitor, set-aside; the keys of overdue subjects, as asked for: first with
--       these five keys alone, and then with more until it no longer asks
-- ARGV  1 most subjects moved   2 a pause between steps that is longer was an outage, ms   3 grace period, ms
-- Returns {<stale>, <dead>, <waits ended>, <signals overdue>, <1 if more is overdue>, <ms of grace left>,
--         <malformed subjects set aside by this step>, <notes in set-aside>, <1 if this step began the grace period>,
--         <ms by which the clock had stepped back, during the grace period after it>}
--         (it stops moving once it has reported about 1,000 events)
-- Cost  O(log n + m): does not grow with the live coordinators; about 15 us for each of the m moved subjects.

local STEP_EVENTS = 1000 -- after this number a step moves no more: a few subjects may have many receivers each
local FIRST_KEYS = 5 -- with which a caller begins: the stream of events, heartbeats, deadlines, monitor, set-aside
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
  local monitor = read_hash(key_of(step.keys, 'monitor'))
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
  local key, now_text = key_of(step.keys, 'monitor'), whole(now_ms)
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

-- The name of the record of a member.
local function record_name(sorted_set, member)
  if sorted_set == 'heartbeats' then return 'coordinator:' .. member end
  local kind, rest = string.match(member, '^(%a)|(.+)$')
  return (kind == 'w' and 'wait:' or 'signal:') .. (rest or '')
end

-- Plans that a subject with times in the future, from a clock that was ahead, is due as if it had begun now. Returns true if
-- there is nothing to do.
local function plan_recheck(own, sorted_set, member, due_ms, now_ms)
  local latest_ms
  if sorted_set == 'heartbeats' then
    local key = key_of(own.keys, 'coordinator:' .. member)
    local coordinator = read_hash(key)
    if not is_alive(coordinator) then return true end
    local left_ms = check_number(key .. ', stale_after_ms', coordinator['stale_after_ms'])
    if coordinator['state'] == 'stale' then
      left_ms = check_number(key .. ', dead_after_ms', coordinator['dead_after_ms']) - left_ms
    end
    latest_ms = now_ms + left_ms
    if due_ms <= latest_ms then return true end
  else
    local key = key_of(own.keys, record_name(sorted_set, member))
    local field = string.sub(member, 1, 2) == 'w|' and 'started_micros' or 'sent_micros'
    local began_ms = math.floor(read_number(redis.call('HGET', key, field) or '') / 1000)
    if began_ms <= now_ms then return true end
    latest_ms = now_ms + math.max(0, due_ms - began_ms)
    plan(own, {'HSET', key, field, whole(now_ms * 1000)})
  end
  plan(own, {'ZADD', key_of(own.keys, sorted_set), whole(latest_ms), member})
end

-- After the clock has stepped back, checks the subjects that are due last, some at each step: a clock that was ahead has given
-- them too late a time. Returns true if there are more.
local function recheck(step, known, now_ms, limit)
  local sorted_set, skip = string.match(known.recheck, '^(%a+) (%d+)$')
  if not sorted_set then return false end
  local last = redis.call('ZRANGE', key_of(step.keys, sorted_set), skip, skip + limit - 1, 'REV', 'WITHSCORES')
  local kept = 0
  for i = 1, #last, 2 do
    local member, due_ms = last[i], tonumber(last[i + 1])
    judge(step, sorted_set, member, function(own)
      if plan_recheck(own, sorted_set, member, due_ms, now_ms) then kept = kept + 1 end
    end)
  end
  ask_for_wanted(step.keys)
  local next_position = sorted_set .. ' ' .. whole(skip + kept)
  if #last < 2 * limit then next_position = sorted_set == 'heartbeats' and 'deadlines 0' or '' end
  plan(step, {'HSET', key_of(step.keys, 'monitor'), 'recheck', next_position})
  return next_position ~= ''
end

local OVERDUE_FIELDS = {'state', 'stale_after_ms', 'dead_after_ms'}
local ENDING_FIELDS = {'life', 'delivered', 'inbox_until_ms'}

-- Plans the transition of an overdue coordinator. Returns 'stale', 'dead', 'gone', or 'again' if more of its waits were open
-- than one step ends.
local function plan_overdue(own, member, due_ms, now_ms)
  local swarm_id, id = parse_member(member)
  need(own.keys, 'coordinator:' .. member, 'waits:' .. member, 'inbox:' .. member)
  local key, heartbeats = key_of(own.keys, 'coordinator:' .. member), key_of(own.keys, 'heartbeats')
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
  need(own.keys, 'ended')
  if not plan_end_waits(own, swarm_id, id) then return 'again' end
  plan_event(own, {'type', 'heartbeat.stale', 'swarm_id', swarm_id, 'coordinator_id', id, 'failure_type', 'timeout'})
  plan_event(own, {'type', 'timeout', 'swarm_id', swarm_id, 'coordinator_id', id, 'timeout_type', 'heartbeat'})
  plan_end_reader(own, member, read_fields(key, ENDING_FIELDS))
  plan(own, {'HSET', key, 'state', 'dead', 'ended_ms', whole(now_ms), 'inbox_until_ms', ''})
  plan(own, {'ZREM', heartbeats, member})
  plan(own, {'ZADD', key_of(own.keys, 'ended'), whole(now_ms), member})
  return 'dead'
end

-- Plans the end of a wait or a signal past its deadline. Returns 'waits', 'signals', or nil.
local function plan_deadline(own, member)
  local keys = own.keys
  local kind, swarm_id, rest = string.match(member, '^(%a)|([^|]+)|(.+)$')
  check_word('kind', kind, {'w', 's'})
  check_id('swarm_id', swarm_id)
  plan(own, {'ZREM', key_of(keys, 'deadlines'), member})
  if kind == 'w' then return plan_end_wait_of_other(own, swarm_id, check_id('wait_id', rest), 'timeout') and 'waits' or nil end
  local signal, signal_id = swarm_id .. '|' .. rest, check_id('signal_id', string.match(rest, '^[^|]+'))
  need(keys, 'signal:' .. signal, 'acks:' .. signal)
  local key = key_of(keys, 'signal:' .. signal)
  local sent = read_hash(key)
  plan_release(own, signal, sent, tonumber(sent['waits'] or '') or 0, math.floor(now_micros() / 1000))
  if not sent['receivers'] then return nil end
  local sender = read_hash(key_of(keys, 'coordinator:' .. swarm_id .. '|' .. id_or_unknown(sent['sender_id'])))
  -- An event about a dead sender would revive it in the metrics.
  if not is_alive(sender) then return nil end
  local _, missing = split_receivers(keys, signal, decode_receivers(key, sent['receivers']))
  for _, receiver in ipairs(missing) do
    plan_event(own, {'type', 'timeout', 'swarm_id', swarm_id, 'coordinator_id', sent['sender_id'], 'timeout_type', 'signal_ack',
      'signal_id', signal_id, 'receiver_id', receiver})
  end
  return 'signals'
end

-- Judges the overdue members of a sorted set, the oldest first, and plans their transitions. Notes the keys that are not declared.
-- If the caller has declared keys of some members, those without are overdue only since then: they are left to the next call,
-- or this one might never end. Returns the number of those that are planned, by kind, and `more`: true if more is overdue.
local function move(step, sorted_set, now_ms, limit, plan_subject)
  local keys, moved = step.keys, {stale = 0, dead = 0, waits = 0, signals = 0}
  local due = redis.call('ZRANGEBYSCORE', key_of(keys, sorted_set), '-inf', whole(now_ms), 'WITHSCORES', 'LIMIT', 0, limit)
  moved.more = #due == 2 * limit
  for i = 1, #due, 2 do
    if #step.events >= STEP_EVENTS then
      moved.more = true
      break
    end
    local member, wanted, what = due[i], count_wanted(keys), nil
    local judged = judge(step, sorted_set, member, function(own) what = plan_subject(own, member, tonumber(due[i + 1])) end)
    if judged == 'planned' and moved[what] then moved[what] = moved[what] + 1 end
    if judged == 'wanting' or what == 'again' then moved.more = true end
    if keys.count > FIRST_KEYS and not keys.of[record_name(sorted_set, member)] then forget_wanted(keys, wanted) end
  end
  return moved
end

-- Moves all that is overdue, in two steps: a wait that ends with its coordinator is no longer overdue. The keys for both are
-- asked for before the first one writes. Returns what each of them has moved.
local function move_overdue(last, now_ms, outage_ms, limit)
  local keys, step = last.keys, begin_step(last.keys)
  local ended = move(step, 'heartbeats', now_ms, limit, function(own, member, due_ms)
    -- Death is due by the last beat, whenever a step found it stale; but after a delay by an outage its time starts now.
    return plan_overdue(own, member, now_ms - due_ms > outage_ms and now_ms or due_ms, now_ms)
  end)
  local is_first = #step.writes + count_wanted(keys) > 0
  if is_first then move(begin_step(keys), 'deadlines', now_ms, limit, plan_deadline) end
  run_step(step)
  local late = move(last, 'deadlines', now_ms, limit, plan_deadline)
  if is_first then forget_wanted(keys, 0) end
  last.set_aside = (last.set_aside or 0) + (step.set_aside or 0)
  return ended, late
end

local NOTHING_MOVED = {stale = 0, dead = 0, waits = 0, signals = 0, more = false}

local function step_monitor(keys, args)
  local limit, outage_ms = check_number('limit', args[1]), check_number('outage_ms', args[2])
  local grace_ms = check_number('grace_ms', args[3])
  if limit < 1 or limit > 10000 then fail('limit: expected 1 to 10000; got ' .. args[1]) end
  need(keys, 'heartbeats', 'deadlines', 'monitor', 'set-aside')
  local now_ms, last = math.floor(now_micros() / 1000), begin_step(keys)
  local known = plan_monitor(last, now_ms, outage_ms, grace_ms)
  local more = recheck(last, known, now_ms, limit)
  local ended, late = NOTHING_MOVED, NOTHING_MOVED
  if known.grace_left_ms == 0 then ended, late = move_overdue(last, now_ms, outage_ms, limit) end
  run_step(last)
  more = more or ended.more or late.more
  return {ended.stale, ended.dead, late.waits, late.signals, more and 1 or 0, known.grace_left_ms, last.set_aside or 0,
    count_set_aside(keys) or 0, known.began and 1 or 0, known.back_ms}
end
