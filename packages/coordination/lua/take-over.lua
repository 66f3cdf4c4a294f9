-- Hands what an ended coordinator left to a successor that is alive: its work, and the signals in its inbox that are not
-- settled. Each item is with one of the two at every moment, and moved once.
--
-- KEYS  1 stream of events
-- ARGV  1 swarm_id   2 coordinator_id of the caller   3 life of the caller   4 coordinator_id of the one that ended
--       5 successor, or '' to elect one: the first by name of those of the swarm that are beating
--       6 most items moved by this step
-- Returns {'moved', <successor>, <pieces of work>, <signals>, <1 where more is left: call it again with this successor>};
--         {'alive'} where it has not ended; {'unknown'} where none of that id has joined: what is in its inbox is for the
--         one that will; {'no_successor'} where there is none alive; {'ended'} where the caller's life has ended
-- Cost  linear in the items; to elect, linear in the coordinators that are alive on the shard.

local function elect_successor(base, swarm_id)
  local elected
  for _, member in ipairs(redis.call('ZRANGE', base .. 'heartbeats', 0, -1)) do
    local swarm, id = string.match(member, '^([^|]+)|(.+)$')
    if swarm == swarm_id and (not elected or id < elected)
      and redis.call('HGET', base .. 'coordinator:' .. member, 'state') == 'beating' then
      elected = id
    end
  end
  return elected
end

local function take_over(keys, args)
  local base = base_of(keys)
  local swarm_id, caller = check_id('swarm_id', args[1]), check_id('coordinator_id', args[2])
  local id, limit = check_id('ended_id', args[4]), check_number('limit', args[6])
  if limit < 1 or limit > 10000 then fail('limit: expected 1 to 10000; got ' .. args[6]) end
  local successor = check_text('successor', args[5]) ~= '' and check_id('successor', args[5])
  if not read_life(base, swarm_id, caller, args[3]) then return {'ended'} end
  local left = read_hash(base .. 'coordinator:' .. swarm_id .. '|' .. id)
  if is_alive(left) then return {'alive'} end
  if left['state'] ~= 'dead' and left['state'] ~= 'stopped' then return {'unknown'} end
  successor = successor or elect_successor(base, swarm_id)
  if not successor or successor == id then return {'no_successor'} end
  if not is_alive(read_hash(base .. 'coordinator:' .. swarm_id .. '|' .. successor)) then return {'no_successor'} end

  local now_ms = math.floor(now_micros() / 1000)
  local from, to = base .. 'work:' .. swarm_id .. '|' .. id, base .. 'work:' .. swarm_id .. '|' .. successor
  local work, signals, more = 0, 0, 0
  for work_id, record in pairs(read_hash(from)) do
    if work == limit then
      more = 1
      break
    end
    local item = cjson.decode(record)
    item['status'], item['assignedTo'], item['transferredFrom'], item['transferredAt'] = 'transferred', successor, id, now_ms
    -- Work of the same name that the successor has itself, or took over before, stays as it is.
    local name, number = work_id, 1
    while redis.call('HSETNX', to, name, cjson.encode(item)) == 0 do
      name, number = work_id .. '@' .. id .. (number > 1 and '.' .. number or ''), number + 1
    end
    redis.call('HDEL', from, work_id)
    work = work + 1
  end

  local inbox, next_inbox = base .. 'inbox:' .. swarm_id .. '|' .. id, base .. 'inbox:' .. swarm_id .. '|' .. successor
  local entries = redis.call('XRANGE', inbox, '-', '+', 'COUNT', limit - work + 1)
  for _, entry in ipairs(entries) do
    if work + signals == limit then
      more = 1
      break
    end
    redis.call('XADD', next_inbox, '*', unpack(entry[2]))
    redis.call('XDEL', inbox, entry[1])
    signals = signals + 1
  end
  return {'moved', successor, work, signals, more}
end
