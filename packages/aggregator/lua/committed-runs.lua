-- The folded entries after the watermark. While an older entry is pending, later entries are folded. The head of a delta log
-- keeps them in its field `runs`: ranges of IDs, 'first last first last …', ascending, all after the watermark. A run covers
-- no entry that is pending and not folded. If the group is moved back, or destroyed and created again, the entries of a run
-- are delivered again and must have no effect. Scripts that need this are loaded with stream.lua and this file before them.
--
-- An earlier version adds no runs when it commits. A missing run does no harm unless somebody moves the group.

-- Runs kept at most. A process has two reads under way per shard, and each leaves at most one gap.
local MOST_RUNS = 100

-- The runs as a list: first, last, first, last …
local function parse_runs(text)
  local runs = {}
  for id in string.gmatch(text or '', '%S+') do runs[#runs + 1] = id end
  return runs
end

-- True if an entry of the range may be folded.
local function overlaps_folded(first, last, watermark, runs)
  if watermark and not is_after(first, watermark) then return true end
  for at = 1, #runs, 2 do
    if not is_after(first, runs[at + 1]) and not is_after(runs[at], last) then return true end
  end
  return false
end

-- The folded ones of these IDs, which are ascending.
local function find_folded(ids, watermark, runs)
  local folded, at, last = {}, 1, ids[#ids]
  local function take_to(id)
    while ids[at] and not is_after(ids[at], id) do
      folded[#folded + 1] = ids[at]
      at = at + 1
    end
  end
  if watermark then take_to(watermark) end
  for run = 1, #runs, 2 do
    if not ids[at] or is_after(runs[run], last) then break end
    while ids[at] and is_after(runs[run], ids[at]) do at = at + 1 end
    take_to(runs[run + 1])
  end
  return folded
end

-- True if the stream has no entry between the two, and none is pending.
local function are_neighbours(events, group, left, right)
  return #redis.call('XPENDING', events, group, '(' .. left, '(' .. right, 1) == 0
    and #redis.call('XRANGE', events, '(' .. left, '(' .. right, 'COUNT', 1) == 0
end

-- Adds the range to the list, without its pending entries: they were trimmed from the stream before this range was read.
local function append_range(events, group, list, first, last)
  local from, pending = first, redis.call('XPENDING', events, group, first, last, MOST_RUNS)
  for _, entry in ipairs(pending) do
    if is_after(entry[1], from) then
      list[#list + 1] = from
      list[#list + 1] = before(entry[1])
    end
    from = behind(entry[1])
  end
  if #pending < MOST_RUNS and not is_after(from, last) then
    list[#list + 1] = from
    list[#list + 1] = last
  end
end

-- The runs of these entries, which are ascending and may have gaps.
local function list_runs(events, group, ids, watermark)
  local list, first = {}, nil
  if not is_after(ids[#ids], watermark) then return list end
  for at, id in ipairs(ids) do
    if is_after(id, watermark) then
      first = first or id
      if not ids[at + 1] or not are_neighbours(events, group, id, ids[at + 1]) then
        append_range(events, group, list, first, id)
        first = nil
        if #list > 2 * MOST_RUNS then return list end
      end
    end
  end
  return list
end

-- Merges both lists. Runs with nothing between them become one run; a run that the watermark reaches raises it. Returns the
-- oldest MOST_RUNS runs, and the watermark.
local function join_runs(events, group, runs, added, watermark)
  local joined, at, other = {}, 1, 1
  local function take(first, last)
    local before_it = joined[#joined]
    if not is_after(first, watermark) then
      if is_after(last, watermark) then watermark = last end
    elseif before_it and (not is_after(first, before_it) or are_neighbours(events, group, before_it, first)) then
      if is_after(last, before_it) then joined[#joined] = last end
    elseif #joined < 2 * MOST_RUNS then
      joined[#joined + 1] = first
      joined[#joined + 1] = last
    end
  end
  while runs[at] or added[other] do
    if runs[at] and not (added[other] and is_after(runs[at], added[other])) then
      take(runs[at], runs[at + 1])
      at = at + 2
    else
      take(added[other], added[other + 1])
      other = other + 2
    end
  end
  return joined, watermark
end
