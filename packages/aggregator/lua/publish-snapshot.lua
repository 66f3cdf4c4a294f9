-- Makes a snapshot, whose parts are already written, the current one. The current one becomes the previous one, as a fallback;
-- the previous one expires. A snapshot counts only if it has all its parts and the delta log holds the record at which it
-- was taken: after Redis went back to an older state, the log does not continue from a snapshot of the lost future.
--
-- KEYS  1 snapshot pointer   2 delta log   3 head of the delta log: if it is gone, so is the generation
--       4 parts of the new snapshot   5 parts of the current one, or again 4 if there is none
--       6 parts of the previous one, or again 4 if there is none
-- ARGV  1 position of the new snapshot   2 nonce of the record there   3 number of parts   4 number of parts with births
--       5 bytes   6 key of the current snapshot, as in the pointer, or ''
--       7 '1' if the current snapshot can be read, as far as the caller knows   8 the same for the previous one
--       9 how long replaced parts are kept for current readers, ms
-- Returns 'published'; 'superseded' if another one was published meanwhile, or the current one is as new; 'discontinued' if the
--         new snapshot does not count
-- Cost  constant.

local pointer, deltas, head, new_key, current_key, previous_key = unpack(KEYS)
local position, nonce = ARGV[1], ARGV[2]

-- An unknown nonce is nil: then the ID alone must be there.
local function is_in_log(at, expected)
  local record = redis.call('XRANGE', deltas, at, at)[1]
  return record and (expected == nil or (fields_of(record[2])['nonce'] or '') == expected)
end

local function counts(key, snapshot)
  if redis.call('HLEN', key) < tonumber(snapshot.parts) + tonumber(snapshot.births or '0') then return false end
  return is_in_log(snapshot.position, snapshot.nonce)
end

local stored = fields_of(redis.call('HGETALL', pointer))
if (stored['key'] or '') ~= ARGV[6] then return 'superseded' end
local new = {position = position, nonce = nonce, parts = ARGV[3], births = ARGV[4], bytes = ARGV[5]}
if redis.call('EXISTS', head) == 0 or not counts(new_key, new) then return 'discontinued' end

local kept, kept_key
local current = {position = stored['position'], parts = stored['parts'], bytes = stored['bytes']}
if stored['details_of'] == stored['key'] then -- otherwise an earlier version has moved the pointer
  current.nonce, current.births = stored['nonce'], stored['births']
end
if current_key ~= new_key and ARGV[7] == '1' and counts(current_key, current) then
  if not is_after(position, current.position) then return 'superseded' end
  kept, kept_key = current, current_key
elseif previous_key ~= new_key and ARGV[8] == '1' then
  local previous = {position = stored['previous_position'], nonce = stored['previous_nonce'], parts = stored['previous_parts'],
    births = stored['previous_births'], bytes = stored['previous_bytes']}
  if counts(previous_key, previous) then kept, kept_key = previous, previous_key end
end

local PURPOSE = 'publishes a snapshot'
require_permission(PURPOSE, 'HSET', pointer, 'position', '')
require_permission(PURPOSE, 'HDEL', pointer, 'position')
require_permission(PURPOSE, 'PERSIST', new_key)
require_permission(PURPOSE, 'PEXPIRE', new_key, '1')

redis.call('HSET', pointer, 'position', position, 'key', new_key, 'parts', new.parts, 'bytes', new.bytes,
  'details_of', new_key, 'nonce', nonce, 'births', new.births,
  'appended_bytes', redis.call('HGET', head, 'appended_bytes') or '0')
redis.call('PERSIST', new_key)
for _, key in ipairs({current_key, previous_key}) do
  if key ~= new_key and key ~= kept_key then redis.call('PEXPIRE', key, ARGV[9]) end
end
for _, name in ipairs({'position', 'nonce', 'parts', 'births', 'bytes'}) do
  local value = kept and kept[name]
  if value then redis.call('HSET', pointer, 'previous_' .. name, value) else redis.call('HDEL', pointer, 'previous_' .. name) end
end
if kept then redis.call('HSET', pointer, 'previous_key', kept_key) else redis.call('HDEL', pointer, 'previous_key') end
return 'published'
