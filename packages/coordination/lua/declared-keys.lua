-- The keys of a call: a function touches only those that its caller has declared in KEYS. The first is the stream of events,
-- `<prefix>:{<shard>}:events`; the others follow in any order. While a slot of a Redis Cluster moves, a node that lacks a declared
-- key answers ASK or TRYAGAIN before anything runs. A key that a function named by itself would seem not to exist.
--
-- A key is named by its part behind `<prefix>:{<shard>}:`, as in `coordinator:<swarm>|<id>`. If a function needs keys that are not
-- declared, it changes nothing and replies with the error `UNDECLARED <name> <name> …`: the caller calls again with
-- these keys, too. Each call looks at the state from the beginning, so changes between the calls do no harm.
--
--   key_of(keys, name)       the declared key of that name
--   need(keys, name, …)      the same for several keys: all of them that are not declared are asked for at once
--   find_key(keys, name)     the declared key of that name, or nil: then it is noted, and the caller goes on, to
--   ask_for_wanted(keys)     ask for all noted ones

local NAME_BYTES = 512 -- three ids and the kind of the key

local function fail(text)
  error({err = 'STREAMFOLD ' .. text})
end

-- Raises the error that pcall caught: an error of Redis is a table, or only its text, which begins with a code.
local function fail_again(failure)
  local text = type(failure) == 'table' and failure['err'] or tostring(failure)
  error(string.find(text, '^%u[%u_]* ') and {err = text} or text, 0)
end

-- Raised if a key is not declared; keys.wanted has its name. With a field `err`, pcall would return only that.
local WANTING = {}

-- `of`: the declared keys by name; `count`: their number; `behind_base`: where the name begins in a key. `wanted`: the names of
-- further keys, as a list and as a set; it comes with the first of them, because most calls need none.
local function read_keys(declared)
  local events = declared[1]
  if not events or string.sub(events, -7) ~= ':events' then
    fail('keys: expected the stream of events as the first one; got ' .. tostring(events))
  end
  local base = string.sub(events, 1, -7)
  local of, behind_base = {}, #base + 1
  for at = 2, #declared do
    local key = declared[at]
    if string.find(key, base, 1, true) ~= 1 then fail('keys: expected keys that begin with ' .. base .. '; got ' .. key) end
    of[string.sub(key, behind_base)] = key
  end
  return {events = events, of = of, count = #declared, behind_base = behind_base}
end

local function want(keys, name)
  local wanted = keys.wanted or {}
  if wanted[name] then return end
  if #name > NAME_BYTES or not string.match(name, '^[%w_%-%.:/@|]+$') then fail('key: expected a name made of ids; got ' .. name) end
  wanted[name] = true
  wanted[#wanted + 1] = name
  keys.wanted = wanted
end

local function find_key(keys, name)
  local key = keys.of[name]
  if not key then want(keys, name) end
  return key
end

local function key_of(keys, name)
  return find_key(keys, name) or error(WANTING)
end

local function find_keys(keys, name, ...)
  if not name then return true end
  local key = find_key(keys, name)
  return find_keys(keys, ...) and key
end

local function need(keys, ...)
  if not find_keys(keys, ...) then error(WANTING) end
end

local function count_wanted(keys)
  return keys.wanted and #keys.wanted or 0
end

local function ask_for_wanted(keys)
  if count_wanted(keys) > 0 then error(WANTING) end
end

-- Forgets the noted names but for the first ones: what needs these keys is left to a later call.
local function forget_wanted(keys, kept)
  for at = count_wanted(keys), kept + 1, -1 do
    keys.wanted[keys.wanted[at]] = nil
    keys.wanted[at] = nil
  end
end

-- The function as Redis calls it.
local function with_declared_keys(run)
  return function(declared, args)
    local keys = read_keys(declared)
    local done, reply = pcall(run, keys, args)
    if done then return reply end
    if reply == WANTING then return redis.error_reply('UNDECLARED ' .. table.concat(keys.wanted, ' ')) end
    return fail_again(reply)
  end
end
