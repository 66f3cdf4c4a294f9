-- Makes a snapshot, whose parts are written already, the current one; only ever a newer one than the current.
--
-- KEYS  1 snapshot pointer   2 parts of the new snapshot   3 parts of the current snapshot, or again 2 where there is none
--       4 head of the delta log: where it is gone, so is the generation
-- ARGV  1 position of the new snapshot   2 number of parts   3 bytes   4 position of the current snapshot, or ''
--       5 how long the replaced parts are kept for those who are reading them, ms
-- Returns 'published', or 'superseded' where another one was published meanwhile
-- Cost  constant.

local current = redis.call('HGET', KEYS[1], 'position') or ''
if current ~= ARGV[4] or redis.call('EXISTS', KEYS[2], KEYS[4]) < 2 then return 'superseded' end

redis.call('HSET', KEYS[1], 'position', ARGV[1], 'key', KEYS[2], 'parts', ARGV[2], 'bytes', ARGV[3])
if KEYS[3] ~= KEYS[2] then redis.call('PEXPIRE', KEYS[3], ARGV[5]) end
redis.call('PERSIST', KEYS[2])
return 'published'
