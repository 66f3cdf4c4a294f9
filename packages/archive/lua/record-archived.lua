-- Records how far the shard is archived, and to which history its archive belongs. The record only goes forward, unless an
-- operator has decided otherwise.
--
-- KEYS  1 archived
-- ARGV  1 sequence number of the newest segment   2 its last ID   3 entries ever added to the stream up to there
--       4 history of the segment; '' if an earlier version wrote it   5 SHA-256 of its data   6 '1': an operator decided
-- Returns 'recorded', 'known' if the record is as far already, or 'other_history'
-- Cost  constant.

local sequence, last_id, position, history, sha256 = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local decided = ARGV[6] == '1'

local recorded = redis.call('HMGET', KEYS[1], 'sequence', 'history')
if not decided then
  if recorded[2] and history ~= '' and recorded[2] ~= history then return 'other_history' end
  if tonumber(sequence) <= tonumber(recorded[1] or '0') then return 'known' end
end
-- An earlier version does not know of `digest`: the number in it says of which segment it is.
redis.call('HSET', KEYS[1], 'sequence', sequence, 'last_id', last_id, 'position', position,
  'digest', sequence .. ':' .. sha256)
if history ~= '' then redis.call('HSET', KEYS[1], 'history', history)
elseif decided then redis.call('HDEL', KEYS[1], 'history') end
return 'recorded'
