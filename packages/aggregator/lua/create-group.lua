-- Makes sure that the consumer group of a generation exists, and the stream with it. It starts behind the entry up to which
-- everything is folded, or at the oldest entry where nothing is.
--
-- KEYS  1 stream of events   2 head of the delta log
-- ARGV  1 group   2 'live': it may be new; 'building': it may be new, and leaves dead letters to the live one;
--       'existing': it is made only where the generation is still there, so that one that was dropped does not come back
-- Returns 'created', 'restored' (there is state, but the group was gone), 'exists', or 'gone'
-- Cost  linear in the number of groups.

local events, head, group = KEYS[1], KEYS[2], ARGV[1]

if redis.call('EXISTS', events) == 1 and read_group(events, group) then return 'exists' end
local known = redis.call('EXISTS', head) == 1
if not known and ARGV[2] == 'existing' then return 'gone' end
if not known and ARGV[2] == 'building' then redis.call('HSET', head, 'dead_letters_after', '+') end

local watermark = redis.call('HGET', head, 'watermark')
redis.call('XGROUP', 'CREATE', events, group, watermark or '0', 'MKSTREAM')
redis.call('HDEL', head, 'baseline') -- what is gone by now is not lost to this group
return watermark and 'restored' or 'created'
