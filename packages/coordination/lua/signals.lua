-- Keeps signals: each inbox within its bounds, each record for its retention or for as long as somebody needs it.

local INBOX_ENTRIES = 10000 -- signals that wait in one inbox
local INBOX_BYTES = 64 * 1024 * 1024 -- of memory, as Redis estimates it
local UNMEASURED = 64 -- fewer signals, of at most 1 MiB, cannot be too many bytes: measuring costs about 10 us
local MEASURED_EACH = 16 -- small signals are measured at each sixteenth one, so an inbox may exceed its bound by 15 of them
local SMALL_BYTES = 4096 -- of a payload: larger ones are measured each time
local NEAR_BOUND = 0.8 -- share of the bound from which an inbox is reported
local EXPIRED_AT_ONCE = 10 -- removed from a full inbox by one delivery: each of them is read, and may be 1 MiB
local RETENTION_LONGEST_MS = 31 * 86400000
local KEEP_STEP_MS = 60000 -- up to this much longer: then most deliveries need not move the expiry of the inbox
local FOREVER_MS = 100 * LONGEST_MS -- instead of PERSIST, which users of the earlier version may not run
local SIGNATURE_BYTES = 128 -- of a signature or a key id; those of HMAC-SHA256 have 43

local function check_signature(name, value)
  if #check_text(name, value) <= SIGNATURE_BYTES and not string.find(value, '[%s|]') then return value end
  return fail(name .. ': expected at most ' .. SIGNATURE_BYTES .. ' bytes without white space or |; got ' .. #value)
end

local function check_nonce(value)
  if #value >= 16 and #value <= 64 and string.match(value, '^[%w_-]+$') then return value end
  return fail('nonce: expected 16 to 64 characters of A-Z a-z 0-9 _ -; got ' .. value)
end

-- The fill of an inbox of this length, by entries and by bytes: 1 is its bound.
local function read_fill(inbox, length)
  local fill = length / INBOX_ENTRIES
  if length < UNMEASURED then return fill end
  local bytes = redis.pcall('MEMORY', 'USAGE', inbox) -- users of the earlier version may not run this: then only entries count
  return type(bytes) == 'number' and math.max(fill, bytes / INBOX_BYTES) or fill
end

-- Removes signals past their retention from the head of a full inbox. Returns their number.
local function plan_expiry(step, inbox, life, now_ms)
  local removed = 0
  for _, entry in ipairs(redis.call('XRANGE', inbox, '-', '+', 'COUNT', EXPIRED_AT_ONCE)) do
    -- An entry of the earlier version does not say when it expires.
    local expires_ms = tonumber(fields_of(entry[2])['expires_ms'] or '')
      or tonumber(string.match(entry[1], '^%d+')) + RETENTION_LONGEST_MS
    if expires_ms > now_ms then return removed end
    if life then plan(step, {'XACK', inbox, 'life-' .. life, entry[1]}) end
    plan(step, {'XDEL', inbox, entry[1]})
    removed = removed + 1
  end
  return removed
end

-- Notes that the inbox of a live coordinator has signals to keep until then, in case it ends.
local function plan_keep_inbox(step, name, coordinator, until_ms)
  if until_ms <= (tonumber(coordinator['inbox_until_ms'] or '') or 0) then return end
  plan(step, {'HSET', key_of(step.keys, 'coordinator:' .. name), 'inbox_until_ms', whole(until_ms)})
end

-- The time until which the signals in the inbox of a coordinator that is not alive are kept; 0 if there are none.
local function read_inbox_until_ms(inbox, now_ms)
  local left_ms = redis.call('PTTL', inbox)
  if left_ms == -1 then left_ms = RETENTION_LONGEST_MS end -- from the earlier version, which set none
  return left_ms > 0 and now_ms + left_ms or 0
end

-- Plans the writes of a delivery to an inbox in addition to its entry. Returns false if the inbox is full. The inbox of a live
-- coordinator does not expire; any other expires when the retention of all its signals is over.
-- `keep`: now_ms, kept_ms, until_ms, payload_bytes; the same for each receiver of a signal.
local function plan_delivery(step, inbox, key, keep)
  local length = check_type(step, inbox, 'stream')
  local fill = length / INBOX_ENTRIES
  if length >= UNMEASURED and (keep.payload_bytes > SMALL_BYTES or length % MEASURED_EACH == 0) then
    fill = read_fill(inbox, length)
  end
  local until_ms = tonumber(redis.call('HGET', key, 'inbox_until_ms') or '') or 0
  -- Only the inbox of a live coordinator has this time, and for most deliveries it is late enough.
  local alive = until_ms >= keep.until_ms or is_alive_in(redis.call('HGET', key, 'state'))
  if fill >= 1 and plan_expiry(step, inbox, alive and redis.call('HGET', key, 'life'), keep.now_ms) == 0 then return false end
  if fill >= NEAR_BOUND then
    plan(step, {'ZADD', key_of(step.keys, 'near-bound'), whole(fill * 100), string.sub(inbox, step.keys.behind_base)})
  end
  if alive then
    if until_ms >= keep.until_ms then return true end
    know_type(step, key, 'hash')
    plan(step, {'HSET', key, 'inbox_until_ms', whole(keep.until_ms + KEEP_STEP_MS)})
  elseif length == 0 or read_inbox_until_ms(inbox, keep.now_ms) < keep.until_ms then
    plan(step, {'PEXPIRE', inbox, whole(keep.kept_ms + KEEP_STEP_MS)})
  end
  return true
end

-- Settles an entry of an inbox: it will not be delivered again. The nonce of a signed one is kept as long as a copy could be
-- put into the inbox in time, so that later lives refuse the copy.
local function plan_settle(step, name, life, entry, signed)
  local inbox = key_of(step.keys, 'inbox:' .. name)
  plan(step, {'XACK', inbox, 'life-' .. life, entry})
  plan(step, {'XDEL', inbox, entry})
  if not signed then return end
  local settled, entry_ms = key_of(step.keys, 'settled:' .. name), string.match(entry, '^%d+')
  check_write(step, 'ZADD', settled)
  for _, nonce in ipairs(redis.call('ZRANGEBYSCORE', settled, '-inf', '(' .. entry_ms, 'LIMIT', 0, 10)) do
    if nonce ~= signed.nonce then plan(step, {'ZREM', settled, nonce}) end
  end
  plan(step, {'ZADD', settled, signed.deliver_by_ms, signed.nonce})
  plan(step, {'PEXPIRE', settled, whole(RETENTION_LONGEST_MS)})
end

-- The nonce of an entry of an inbox, and the time until which a copy could be put there; nil if it is not signed, or in
-- the way of the earlier version.
local function read_signed(inbox, entry)
  local found = redis.call('XRANGE', inbox, entry, entry)[1]
  if not found then return nil, nil end
  local fields = fields_of(found[2])
  local nonce, deliver_by_ms = fields['nonce'] or '', fields['deliver_by_ms'] or ''
  local valid = (fields['signature'] or '') ~= '' and string.match(nonce, '^[%w_-]+$') and #nonce <= 64
    and string.match(deliver_by_ms, '^%d+$') and #deliver_by_ms <= 15
  return valid and {nonce = nonce, deliver_by_ms = deliver_by_ms} or nil, fields
end

-- Lets a signal expire at the end of its retention, if nobody needs it any longer: no wait is open and no ACK is overdue.
-- `waits`: the number of open waits for its ACKs after this step. Returns true if this was planned.
local function plan_release(step, signal, sent, waits, now_ms)
  local keep_until_ms = tonumber(sent['keep_until_ms'] or '')
  if not keep_until_ms or waits > 0 then return false end -- a signal of the earlier version keeps its expiry
  local key, left_ms = key_of(step.keys, 'signal:' .. signal), math.max(keep_until_ms - now_ms, 1000)
  if redis.call('PTTL', key) <= left_ms then return false end -- no wait has prolonged it
  local acks = key_of(step.keys, 'acks:' .. signal)
  plan(step, {'PEXPIRE', key, whole(left_ms)})
  plan(step, {'PEXPIRE', acks, whole(left_ms)})
  return true
end

local RELEASE_FIELDS = {'waits', 'keep_until_ms'}

-- A wait for the ACKs of a signal has ended.
local function plan_release_by_wait(step, signal, now_ms)
  local key = key_of(step.keys, 'signal:' .. signal)
  local sent = read_fields(key, RELEASE_FIELDS)
  local left = step.waits_left or {}
  local waits = left[signal] or tonumber(sent['waits'] or '')
  if not waits then return end -- it is no longer remembered, or from the earlier version
  know_type(step, key, 'hash')
  waits = math.max(waits - 1, 0)
  left[signal], step.waits_left = waits, left
  plan(step, {'HSET', key, 'waits', whole(waits)})
  plan_release(step, signal, sent, waits, now_ms)
end
