-- Appends a record to the delta log. Scripts that do so are loaded with stream.lua and this file before them. Their last
-- argument is a nonce, which this file reads: Redis gives the ID of a record again after it went back to an older state,
-- and only the nonce distinguishes the two records.

local NONCE = table.remove(ARGV)

-- The newest record of the delta log: position and nonce, and the bytes of all deltas ever appended. Position '0-0' if there
-- is none; nonce '' if an earlier version wrote it. Fails if the head or the log is of a wrong type.
local function read_end(deltas, head)
  redis.call('XLEN', deltas)
  local noted = redis.call('HMGET', head, 'position', 'tip', 'appended_bytes')
  local position = noted[1] or '0-0'
  -- An earlier version moves only the position; the tip then names another record.
  local tip_position, nonce = string.match(noted[2] or '', '^(%S+) (%S+)$')
  if tip_position ~= position then nonce = '' end
  return {position = position, nonce = nonce, bytes = tonumber(noted[3] or '0') or 0}
end

-- Appends a record and moves the head to it: `previous` is the result of read_end, `watermark` is '' if the record does not
-- have one. An earlier version reads the first four fields by position, so their order is fixed. Returns the ID of the record,
-- and when it was appended, ms.
local function append_record(deltas, head, previous, watermark, kind, text, mode, oldest)
  local at_ms = string.format('%.0f', now_ms())
  local record = redis.call('XADD', deltas, '*', 'previous', previous.position, 'watermark', watermark, kind, text,
    mode or 'replayed', oldest or '0-0', 'nonce', NONCE, 'previous_nonce', previous.nonce,
    'at_ms', at_ms)
  redis.call('HSET', head, 'position', record, 'tip', record .. ' ' .. NONCE,
    'appended_bytes', string.format('%.0f', previous.bytes + string.len(text)))
  if watermark ~= '' then redis.call('HSET', head, 'watermark', watermark) end
  return record, at_ms
end
