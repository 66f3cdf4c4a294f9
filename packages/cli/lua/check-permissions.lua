-- Returns the commands that this user may not run, or that the server does not know. Runs none of them.
--
-- KEYS  1 a key of the shard to check
-- ARGV  commands with all their arguments, separated by spaces, such as 'XADD key * field value'
-- Returns the positions in ARGV, from 1, of the commands that are not permitted; negative for those that are unknown
-- Cost  linear in the commands.

if not redis.acl_check_cmd then error({err = 'ERR a server whose scripts can check permissions is needed: Redis 7.0 or newer, or Valkey'}) end
local missing = {}
for place, command in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(command, '%S+') do words[#words + 1] = word end
  local checked, permitted = pcall(redis.acl_check_cmd, unpack(words))
  if not checked then
    missing[#missing + 1] = -place
  elseif not permitted then
    missing[#missing + 1] = place
  end
end
return missing
