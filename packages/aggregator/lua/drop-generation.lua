-- Removes the consumer group of a generation and the head of its delta log, and marks it as dropped: from now on nobody can fold
-- or restore it, not even a program that was asleep meanwhile.
--
-- KEYS  1 stream of events   2 head of the delta log   3 marks of the shard
-- ARGV  1 group   2 ID of the generation
-- Returns 1 if the group was there, else 0
-- Cost  linear in the pending entries.

local KEPT_NUMBERS = 64 -- marks of older generations are removed

local events, head, marks, id = KEYS[1], KEYS[2], KEYS[3], ARGV[2]
local PURPOSE = 'drops a generation'
require_permission(PURPOSE, 'HSET', marks, id, 'dropped')
require_permission(PURPOSE, 'HDEL', marks, id)
require_permission(PURPOSE, 'DEL', head)

local number = tonumber(string.match(id, '^(%d+)') or '0')
local is_there = redis.call('EXISTS', events) == 1
redis.call('HSET', marks, id, 'dropped')
for field, mark in pairs(fields_of(redis.call('HGETALL', marks))) do
  local other = tonumber(string.match(field, '^(%d+)%-') or '')
  if mark == 'dropped' and other and other < number - KEPT_NUMBERS then redis.call('HDEL', marks, field) end
end
local removed = is_there and redis.call('XGROUP', 'DESTROY', events, ARGV[1]) or 0
redis.call('DEL', head)
return removed
