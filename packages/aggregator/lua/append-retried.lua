-- Appends the event of a dead letter again, once: after a retry that was interrupted between this step and the removal of
-- the dead letter, the next one does not append it a second time.
--
-- KEYS  1 stream of events, of the shard that the event belongs to   2 mark of this dead letter; a string that expires
-- ARGV  1 how long the mark stays, ms   2 … field, value, field, value … (at most 7,000 values)
-- Returns {'appended' or 'repeated', <entry ID>}
-- Cost  constant.

local before = redis.call('GET', KEYS[2])
if before then return {'repeated', before} end

local entry_id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
redis.call('SET', KEYS[2], entry_id, 'PX', ARGV[1])
return {'appended', entry_id}
