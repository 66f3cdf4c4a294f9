-- Commits all that one read of new entries has brought: acknowledges the entries, appends what they add to the delta log, and
-- appends its dead letters. Writes nothing unless all of them are still pending.
--
-- Each such read is done under the name of a consumer of its own, which no other command gives entries to. So if as many
-- entries are pending for it as were read, they are the ones that were read, and removing the consumer acknowledges just them.
--
-- KEYS  1 stream of events   2 delta log   3 head of the delta log   4 dead-letter stream
-- ARGV  1 group   2 consumer of the read   3 delta, as text   4 number of entries   5 first ID   6 last ID
--       7 'live', or 'replayed' if the generation is being built: written into the record, with the first ID
--       8 … for each dead letter five values: entry_id, index ('' for a flat entry), reason, detail, fields
-- Returns {'committed', <ID of the record in the delta log>, <dead letters that were left out>, <that were written then>},
--         {'contested'}, or {'moved'} if some of its entries may be folded: somebody has moved the group back. What is still
--         pending for the consumer is then to be read again, and committed by commit-batch.lua.
-- Cost  some 0.3 us an entry, 3 us a dead letter, 0.1 us a consumer of the group, and 50 us. Lua does not roll back: all is
--       checked before the first write.

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
