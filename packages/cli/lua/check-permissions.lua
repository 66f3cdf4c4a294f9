-- Tells which commands this user may not run on a key of Streamfold's. Runs none of them.
--
-- KEYS  1 a key with the prefix of the installation
-- ARGV  names of commands, each as 'XADD' or 'XGROUP CREATE'
-- Returns the names of those that are not permitted
-- Cost  1 us a command.

local refused = {}
for _, name in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(name, '%S+') do words[#words + 1] = word end
  words[#words + 1] = KEYS[1]
  -- Enough arguments for any of them: permission is asked of the command and of its key.
  for _ = 1, 6 do words[#words + 1] = '1' end
  local checked, permitted = pcall(redis.acl_check_cmd, unpack(words))
  if not checked or not permitted then refused[#refused + 1] = name end
end
return refused
