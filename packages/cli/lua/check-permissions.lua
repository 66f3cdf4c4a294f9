-- Returns the commands that this user may not run. Runs none of them.
--
-- KEYS  1 a key of the shard to check
-- ARGV  commands with all their arguments, separated by spaces, such as 'XADD key * field value'
-- Returns the positions in ARGV, from 1, of the commands that are not permitted
-- Cost  linear in the commands.

local refused = {}
for place, command in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(command, '%S+') do words[#words + 1] = word end
  local checked, permitted = pcall(redis.acl_check_cmd, unpack(words))
  if not checked or not permitted then refused[#refused + 1] = place end
end
return refused
