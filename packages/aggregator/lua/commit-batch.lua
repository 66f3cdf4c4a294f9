-- Commits a batch of entries pending for a consumer, whether it has read or claimed them: acknowledges them, appends their
-- delta to the delta log, and appends their dead letters. Writes nothing unless every entry is still pending for this consumer.
--
-- KEYS  1 stream of events   2 delta log   3 head of the delta log   4 dead-letter stream
-- ARGV  1 group   2 consumer   3 delta, as text   4 number of entries; 0 checks whether a batch could be committed
--       5 first ID   6 last ID
--       7 SHA-1 of all IDs, ascending, separated by spaces: thousands of IDs need not be sent
--       8 'live', or 'replayed' if the generation is being built: written into the record, with the first ID
--       9 'run' if its entries followed one another in the stream when they were read, else 'entries'
--       10 'remove' if the consumer is removed once nothing is pending for it, else 'keep'
--       11 … for each dead letter five values: entry_id, index ('' for a flat entry), reason, detail, fields
-- Returns {'committed', <ID of the record in the delta log>, <dead letters left out>, <dead letters written after those>,
--         <nonce of the record>, <ID of the record before it>, <nonce of that>, <watermark>, <when it was appended, ms>},
--         {'contested'}, or {'repeated', <entries>}: that many entries of the batch were folded before; they are acknowledged
--         without effect, and nothing else is done. {'checked'} for a batch of 0 entries.
-- Cost  about 1.5 us an entry and 3 us a dead letter. Lua does not roll back: everything is checked before the first write.

local batch = {group = ARGV[1], delta = ARGV[3], entries = tonumber(ARGV[4]), mode = ARGV[8], oldest = ARGV[5], dead_letters_at = 11}
local group, consumer, first, last = batch.group, ARGV[2], ARGV[5], ARGV[6]
local ACK_CHUNK = 4000 -- unpack fails at about 8,000 values

local ids = {}
for i, entry in ipairs(redis.call('XPENDING', events, group, first, last, batch.entries, consumer)) do ids[i] = entry[1] end
if #ids ~= batch.entries or redis.sha1hex(table.concat(ids, ' ')) ~= ARGV[7] then return {'contested'} end

local previous = require_commit(ARGV[batch.dead_letters_at])
require_permission('commits a batch', 'XACK', events, group, '0-0')
if ARGV[10] == 'remove' then require_permission('commits a batch', 'XGROUP', 'DELCONSUMER', events, group, consumer) end
local folded = read_folded()

if batch.entries == 0 then
  redis.call('XACK', events, group, '0-0') -- refused by a Redis that takes no writes
  return {'checked'}
end

local function acknowledge(list)
  for from = 1, #list, ACK_CHUNK do
    redis.call('XACK', events, group, unpack(list, from, math.min(from + ACK_CHUNK - 1, #list)))
  end
  if ARGV[10] == 'remove' and #redis.call('XPENDING', events, group, '-', '+', 1, consumer) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', events, group, consumer)
  end
end

-- Folded entries that were delivered again: the group was moved back, or destroyed and created again.
local repeated = find_folded(ids, folded.watermark, folded.runs)
if #repeated > 0 then
  acknowledge(repeated)
  return {'repeated', #repeated}
end

acknowledge(ids)
return write_commit(batch, previous, folded, function(watermark)
  if ARGV[9] ~= 'run' then return list_runs(events, group, ids, watermark) end
  local list = {}
  append_range(events, group, list, first, last)
  return list
end)
