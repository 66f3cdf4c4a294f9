-- How a record is appended to the delta log. Scripts that do so are loaded with stream.lua and this file before them.

-- Where the delta log ends; '0-0' before its first record. Fails if the head or the log is of a wrong type.
local function read_end(deltas, head)
  redis.call('XLEN', deltas)
  return redis.call('HGET', head, 'position') or '0-0'
end

-- Appends a record and moves the head to it: `previous` is the end of the log, `watermark` '' if the record does not say.
local function append_record(deltas, head, previous, watermark, ...)
  local record = redis.call('XADD', deltas, '*', 'previous', previous, 'watermark', watermark, ...)
  redis.call('HSET', head, 'position', record)
  if watermark ~= '' then redis.call('HSET', head, 'watermark', watermark) end
  return record
end
