-- Hands the writing of dead letters over from a generation to the one that has replaced it: the old one writes those of every
-- entry up to this moment, the new one those of every later entry, so that each dead letter is written once.
--
-- KEYS  1 stream of events   2 head of the old delta log   3 head of the new one
-- Returns the last entry of the old one
-- ARGV  none
-- Cost  constant.

local events, old, new = KEYS[1], KEYS[2], KEYS[3]
local after = redis.call('HGET', new, 'dead_letters_after')
if after ~= '+' then return after or '' end -- done before

-- Lua does not roll back: a key of a wrong type, or a command that the user may not run, is found before the first write.
redis.call('HGET', old, 'dead_letters_until')
local PURPOSE = 'hands over the dead letters of a generation'
require_permission(PURPOSE, 'HSET', new, 'dead_letters_after', '')
require_permission(PURPOSE, 'HSET', old, 'dead_letters_until', '')

local last = fields_of(redis.call('XINFO', 'STREAM', events))['last-generated-id']
redis.call('HSET', new, 'dead_letters_after', last)
if redis.call('EXISTS', old) == 1 then redis.call('HSET', old, 'dead_letters_until', last) end
return last
