-- How signals are kept: each inbox within its bounds, each record for as long as its retention says or somebody needs it.

local INBOX_ENTRIES = 10000 -- signals that wait in one inbox
local INBOX_BYTES = 64 * 1024 * 1024 -- of memory, as Redis estimates it
local UNMEASURED = 64 -- fewer signals, of 1 MiB at most, cannot be too many bytes: asking for them costs some us
local NEAR_BOUND = 0.8 -- from here on an inbox is reported
local EXPIRED_AT_ONCE = 10 -- removed from a full inbox by one delivery: each of them is read, and may be 1 MiB
local RETENTION_LONGEST_MS = 31 * 86400000
local FOREVER_MS = 100 * LONGEST_MS -- instead of PERSIST, which users of the earlier version may not run
local SIGNATURE_BYTES = 128 -- of a signature or the id of a key; those of HMAC-SHA256 have 43

local function check_signature(name, value)
  if #check_text(name, value) <= SIGNATURE_BYTES and not string.find(value, '[%s|]') then return value end
  return fail(name .. ': expected at most ' .. SIGNATURE_BYTES .. ' bytes without white space or |; got ' .. #value)
end

local function check_nonce(value)
  if #value >= 16 and #value <= 64 and string.match(value, '^[%w_-]+$') then return value end
  return fail('nonce: expected 16 to 64 characters of A-Z a-z 0-9 _ -; got ' .. value)
end

-- How full an inbox is, by entries and by bytes: 1 is its bound.
local function read_fill(inbox)
  local length = redis.call('XLEN', inbox)
  local fill = length / INBOX_ENTRIES
  if length < UNMEASURED then return fill end
  local bytes = redis.pcall('MEMORY', 'USAGE', inbox) -- users of the earlier version may not ask: then only entries count
  return type(bytes) == 'number' and math.max(fill, bytes / INBOX_BYTES) or fill
end

-- Removes signals from the head of a full inbox whose retention is over. Returns how many.
local function plan_expiry(step, inbox, life, now_ms)
  local removed = 0
  for _, entry in ipairs(redis.call('XRANGE', inbox, '-', '+', 'COUNT', EXPIRED_AT_ONCE)) do
    -- An entry of the earlier version does not say when it expires.
    local expires_ms = tonumber(fields_of(entry[2])['expires_ms'] or '')
      or tonumber(string.match(entry[1], '^%d+')) + RETENTION_LONGEST_MS
    if expires_ms > now_ms then return removed end
    if life then plan(step, 'XACK', inbox, 'life-' .. life, entry[1]) end
    plan(step, 'XDEL', inbox, entry[1])
    removed = removed + 1
  end
  return removed
end

-- The inbox of a coordinator that is alive has signals that are to be kept until then, should it end.
local function plan_keep_inbox(step, name, coordinator, until_ms)
  if until_ms <= (tonumber(coordinator['inbox_until_ms'] or '') or 0) then return end
  plan(step, 'HSET', step.base .. 'coordinator:' .. name, 'inbox_until_ms', whole(until_ms))
end

-- Until when the signals of an inbox are to be kept whose owner is not alive; 0 if there are none.
local function read_inbox_until_ms(inbox, now_ms)
  local left_ms = redis.call('PTTL', inbox)
  if left_ms == -1 then left_ms = RETENTION_LONGEST_MS end -- of the earlier version, which set none
  return left_ms > 0 and now_ms + left_ms or 0
end

-- Puts a signal into an inbox. Returns false if the inbox is full. That of a coordinator that is alive stays with it; any
-- other expires when the retention of all its signals is over.
local function plan_delivery(step, name, entry, now_ms, kept_ms)
  local inbox, key = step.base .. 'inbox:' .. name, step.base .. 'coordinator:' .. name
  check_write(step, 'XADD', inbox)
  local receiver, fill = read_hash(key), read_fill(inbox)
  local alive = is_alive(receiver)
  if fill >= 1 and plan_expiry(step, inbox, alive and receiver['life'], now_ms) == 0 then return false end
  plan(step, 'XADD', inbox, '*', unpack(entry))
  if fill >= NEAR_BOUND then plan(step, 'ZADD', step.base .. 'near-bound', whole(fill * 100), 'inbox:' .. name) end
  if alive then
    plan_keep_inbox(step, name, receiver, now_ms + kept_ms)
  else
    plan(step, 'PEXPIRE', inbox, whole(math.max(kept_ms, read_inbox_until_ms(inbox, now_ms) - now_ms)))
  end
  return true
end

-- Settles an entry of an inbox: it will not be delivered again. Of a signed one the nonce is kept for as long as a copy of
-- it could be put into the inbox in time, so that the lives after this one refuse it.
local function plan_settle(step, name, life, entry, signed)
  local inbox = step.base .. 'inbox:' .. name
  plan(step, 'XACK', inbox, 'life-' .. life, entry)
  plan(step, 'XDEL', inbox, entry)
  if not signed then return end
  local settled, entry_ms = step.base .. 'settled:' .. name, string.match(entry, '^%d+')
  check_write(step, 'ZADD', settled)
  for _, nonce in ipairs(redis.call('ZRANGEBYSCORE', settled, '-inf', '(' .. entry_ms, 'LIMIT', 0, 10)) do
    if nonce ~= signed.nonce then plan(step, 'ZREM', settled, nonce) end
  end
  plan(step, 'ZADD', settled, signed.deliver_by_ms, signed.nonce)
  plan(step, 'PEXPIRE', settled, whole(RETENTION_LONGEST_MS))
end

-- The nonce of an inbox's entry and until when a copy of it could be put there; nil if it is not signed, or as the earlier version did.
local function read_signed(inbox, entry)
  local found = redis.call('XRANGE', inbox, entry, entry)[1]
  if not found then return nil, nil end
  local fields = fields_of(found[2])
  local nonce, deliver_by_ms = fields['nonce'] or '', fields['deliver_by_ms'] or ''
  local valid = (fields['signature'] or '') ~= '' and string.match(nonce, '^[%w_-]+$') and #nonce <= 64
    and string.match(deliver_by_ms, '^%d+$') and #deliver_by_ms <= 15
  return valid and {nonce = nonce, deliver_by_ms = deliver_by_ms} or nil, fields
end

-- Lets a signal go at the end of its retention, if nobody needs it any longer: no wait is open and no ACK is overdue.
-- `waits`: how many waits for its ACKs are open after this step.
local function plan_release(step, signal, sent, waits, now_ms)
  local keep_until_ms = tonumber(sent['keep_until_ms'] or '')
  if not keep_until_ms or waits > 0 then return end -- one of the earlier version expires when that said
  local left_ms = whole(math.max(keep_until_ms - now_ms, 1000))
  plan(step, 'PEXPIRE', step.base .. 'signal:' .. signal, left_ms)
  plan(step, 'PEXPIRE', step.base .. 'acks:' .. signal, left_ms)
end

-- A wait for the ACKs of a signal has ended.
local function plan_release_by_wait(step, signal)
  local key = step.base .. 'signal:' .. signal
  local waits = step.waits_left[signal] or tonumber(redis.call('HGET', key, 'waits') or '')
  if not waits then return end -- it is not remembered any longer, or of the earlier version
  waits = math.max(waits - 1, 0)
  step.waits_left[signal] = waits
  plan(step, 'HSET', key, 'waits', whole(waits))
  local sent = {keep_until_ms = redis.call('HGET', key, 'keep_until_ms')}
  plan_release(step, signal, sent, waits, math.floor(now_micros() / 1000))
end
