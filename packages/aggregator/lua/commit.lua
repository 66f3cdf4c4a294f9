-- Shared by the scripts that commit: the checks before the first write, and the writes. They are loaded
-- with stream.lua, delta-log.lua, counters.lua, committed-runs.lua and this file before them, and with these keys:
--
-- KEYS  1 stream of events   2 delta log   3 head of the delta log   4 dead-letter stream

local events, deltas, head, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

-- The watermark and the runs in the head.
local function read_folded()
  local noted = redis.call('HMGET', head, 'watermark', 'runs')
  return {watermark = noted[1], runs_text = noted[2] or '', runs = parse_runs(noted[2])}
end

-- Lua does not roll back. This finds a key of a wrong type, a counter that is not a number, and a command that the user may
-- not run before the first write. Returns the end of the delta log.
local function require_commit(has_dead_letters)
  local PURPOSE = 'commits a batch'
  local previous = read_end(deltas, head)
  read_counter(head, 'acknowledged')
  redis.call('XLEN', dead)
  require_permission(PURPOSE, 'XADD', dead, '*', 'reason', '')
  require_permission(PURPOSE, 'XINFO', 'GROUPS', events)
  require_permission(PURPOSE, 'XRANGE', events, '-', '+')
  require_delta_log(PURPOSE, deltas, head, previous)
  if has_dead_letters and redis.call('EXISTS', dead) == 1 then
    require_ids_left(dead, fields_of(redis.call('XINFO', 'STREAM', dead))['last-generated-id'])
  end
  return previous
end

-- Appends the dead letters in ARGV, from this place on, except those of entries whose dead letters another generation writes.
-- Returns the number of dead letters left out at the beginning, and the number written after those.
local function append_dead_letters(place)
  if not ARGV[place] then return 0, 0 end
  local noted = redis.call('HMGET', head, 'dead_letters_after', 'dead_letters_until')
  local after, upto = noted[1], noted[2]
  local function is_ours(entry_id)
    if after == '+' then return false end
    if after and not is_after(entry_id, after) then return false end
    return not (upto and is_after(entry_id, upto))
  end
  local left_out, written = 0, 0
  for i = place, #ARGV, 5 do
    if is_ours(ARGV[i]) then
      local fields = {'entry_id', ARGV[i], 'reason', ARGV[i + 2], 'detail', ARGV[i + 3], 'fields', ARGV[i + 4]}
      if ARGV[i + 1] ~= '' then
        fields[#fields + 1] = 'index'
        fields[#fields + 1] = ARGV[i + 1]
      end
      redis.call('XADD', dead, '*', unpack(fields))
      written = written + 1
    elseif written == 0 then
      left_out = left_out + 1
    end
  end
  return left_out, written
end

-- Writes the effect of a batch whose entries were just acknowledged. `list_folded` lists its runs after a watermark. The
-- watermark never decreases: if the group was moved back, folded entries stay folded. Returns the reply of the script: with
-- what the record says beside the delta, its writer need not read it from the log.
local function write_commit(batch, previous, folded, list_folded)
  local watermark = acknowledged_to(events, read_group(events, batch.group))
  if folded.watermark and is_after(folded.watermark, watermark) then watermark = folded.watermark end
  local runs
  runs, watermark = join_runs(events, batch.group, folded.runs, list_folded(watermark), watermark)
  local text = table.concat(runs, ' ')
  if text ~= folded.runs_text then redis.call('HSET', head, 'runs', text) end
  local record, at_ms = append_record(deltas, head, previous, watermark, 'delta', batch.delta, batch.mode, batch.oldest)
  redis.call('HINCRBY', head, 'acknowledged', batch.entries)
  local left_out, written = append_dead_letters(batch.dead_letters_at)
  return {'committed', record, left_out, written, NONCE, previous.position, previous.nonce, watermark, at_ms}
end
