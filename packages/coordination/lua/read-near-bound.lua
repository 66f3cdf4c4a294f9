-- Reports inboxes that are nearly full. Those that no longer are, are forgotten.
--
-- KEYS  1 stream of events   near-bound; inboxes, as asked for
-- ARGV  none
-- Returns {<how many are nearly full>, <the fullest, inbox:<swarm>|<id>, or ''>, <its fill in percent>}; if there are more than
--         100, only the 100 fullest are checked again
-- Cost  about 5 us, and about 10 us for each of them.

local LOOKED_AT = 100

local function is_inbox(member)
  local swarm_id, id = string.match(member, '^inbox:([^|]+)|(.+)$')
  return id_or_unknown(swarm_id) == swarm_id and id_or_unknown(id) == id
end

local function read_near_bound(keys, args)
  local key, step = key_of(keys, 'near-bound'), begin_step(keys)
  local fullest, highest, gone = '', 0, 0
  for _, member in ipairs(redis.call('ZRANGE', key, 0, LOOKED_AT - 1, 'REV')) do
    local inbox = is_inbox(member) and find_key(keys, member)
    local fill = inbox and read_fill(inbox, redis.call('XLEN', inbox)) or 0
    if fill < NEAR_BOUND then
      plan(step, {'ZREM', key, member})
      gone = gone + 1
    elseif fill > highest then
      fullest, highest = member, fill
    end
  end
  local near = redis.call('ZCARD', key) - gone
  run_step(step)
  return {near, fullest, math.floor(highest * 100)}
end
