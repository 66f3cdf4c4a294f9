-- Makes sure that the consumer group of a generation exists, and the stream with it. It starts behind the entry up to which
-- everything is folded, or at the oldest entry if nothing is.
--
-- KEYS  1 stream of events   2 head of the delta log
-- ARGV  1 group   2 'live': it may be new; 'building': it may be new, and leaves dead letters to the live one;
--       'existing': it is made only if the generation is still there, so that one that was dropped does not come back
-- Returns 'created', 'restored' (there is state, but the group was gone), 'exists', or 'gone'
-- Cost  linear in the number of groups.

local events, head, group = KEYS[1], KEYS[2], ARGV[1]

local is_there = redis.call('EXISTS', events) == 1
if is_there and read_group(events, group) then return 'exists' end
local known = redis.call('EXISTS', head) == 1
if not known and ARGV[2] == 'existing' then return 'gone' end
local watermark = redis.call('HGET', head, 'watermark')

local PURPOSE = 'creates the consumer group of a generation'
require_permission(PURPOSE, 'XGROUP', 'CREATE', events, group, '0', 'MKSTREAM')
require_permission(PURPOSE, 'HSET', head, 'dead_letters_after', '+')
require_permission(PURPOSE, 'HDEL', head, 'baseline')

redis.call('XGROUP', 'CREATE', events, group, watermark or '0', 'MKSTREAM')
if not known and ARGV[2] == 'building' then redis.call('HSET', head, 'dead_letters_after', '+') end
-- A new stream gives IDs behind those that are folded, or their entries would never be delivered. A user of the earlier
-- version may not run this, and then the clock has to be ahead of the watermark.
if not is_there and watermark and redis.acl_check_cmd('XSETID', events, watermark) then
  redis.call('XSETID', events, watermark)
end
-- What is gone by now is not lost to this group.
redis.call('HDEL', head, 'baseline', 'stream_added', 'stream_first', 'stream_last')
return watermark and 'restored' or 'created'
