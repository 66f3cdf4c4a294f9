-- Commits all entries of one read of new entries: acknowledges them, appends their delta to the delta log, and appends their
-- dead letters. Writes nothing unless all of them are still pending.
--
-- Each such read has its own consumer, and no other command gives entries to that consumer. So if the number of entries
-- pending for it is the number that was read, they are the same entries, and removing the consumer acknowledges exactly these.
--
-- KEYS  1 stream of events   2 delta log   3 head of the delta log   4 dead-letter stream
-- ARGV  1 group   2 consumer of the read   3 delta, as text   4 number of entries   5 first ID   6 last ID
--       7 'live', or 'replayed' if the generation is being built: written into the record, with the first ID
--       8 … for each dead letter five values: entry_id, index ('' for a flat entry), reason, detail, fields
-- Returns {'committed', <ID of the record in the delta log>, <dead letters left out>, <dead letters written after those>,
--         <nonce of the record>, <ID of the record before it>, <nonce of that>, <watermark>, <when it was appended, ms>},
--         {'contested'}, or {'moved'} if some of its entries may be folded already: the group was moved back. After both the
--         pending entries of the consumer must be read again, and committed by commit-batch.lua.
-- Cost  about 0.4 us an entry, 3 us a dead letter, 0.1 us a consumer of the group, and 100 us. Lua does not roll back:
--       everything is checked before the first write.

local batch = {group = ARGV[1], delta = ARGV[3], entries = tonumber(ARGV[4]), mode = ARGV[7], oldest = ARGV[5], dead_letters_at = 8}
local group, consumer, first, last = batch.group, ARGV[2], ARGV[5], ARGV[6]

local pending = 0
for _, each in ipairs(redis.call('XPENDING', events, group)[4] or {}) do
  if each[1] == consumer then pending = tonumber(each[2]) end
end
if pending ~= batch.entries then return {'contested'} end

local folded = read_folded()
if overlaps_folded(first, last, folded.watermark, folded.runs) then return {'moved'} end

local previous = require_commit(ARGV[batch.dead_letters_at])
require_permission('commits a batch', 'XGROUP', 'DELCONSUMER', events, group, consumer)

redis.call('XGROUP', 'DELCONSUMER', events, group, consumer)
return write_commit(batch, previous, folded, function()
  local list = {}
  append_range(events, group, list, first, last)
  return list
end)
