-- Reads everything that a consistent cut needs, at one moment: how far the group has read, which entries are still
-- pending, and where the delta log ends. The state up to that end is the fold of all entries up to last-delivered
-- without the pending ones, and of those that were folded from the archive; possibly nothing after those has been
-- delivered yet.
--
-- KEYS  1 stream of events   2 head of the delta log
-- ARGV  1 group   2 bound on the number of pending entries
-- Returns {<last delivered ID>, <end of the delta log, or '0-0'>, <entries ever added>, <length>, {<pending ID> …},
--          <last entry folded from the archive, or '0-0'>} or {'too_many_pending', n}
-- Cost  linear in the pending entries.

local pending = redis.call('XPENDING', KEYS[1], ARGV[1])
local count = pending[1]
if count > tonumber(ARGV[2]) then return {'too_many_pending', count} end

local delivered = (read_group(KEYS[1], ARGV[1]) or {})['last-delivered-id']

local ids = {}
if count > 0 then
  for i, entry in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', count)) do ids[i] = entry[1] end
end

local stream = fields_of(redis.call('XINFO', 'STREAM', KEYS[1]))
local head = redis.call('HMGET', KEYS[2], 'position', 'archived_to')
return {delivered, head[1] or '0-0', stream['entries-added'], stream['length'], ids, head[2] or '0-0'}
