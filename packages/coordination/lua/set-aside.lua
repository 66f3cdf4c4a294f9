-- Subjects are judged one by one: a malformed record (a key of the wrong type, a field that is missing or not a number) is
-- set aside, so that it does not stop the work on all others. It is removed from its sorted set, and noted in
-- `set-aside`, which an operator reads and clears.

local SET_ASIDE_MOST = 1000 -- notes kept; further ones are only counted
local REASON_BYTES = 300

-- Why a record is malformed, in words; nil for an error that says nothing about the record. An error of Lua begins with its
-- position: then the record has an unexpected form.
local function read_malformation(failure)
  local text = type(failure) == 'table' and failure['err'] or tostring(failure)
  for _, beginning in ipairs({'^WRONGTYPE ', '^STREAMFOLD ', '^@?user_function:%d+: '}) do
    if string.find(text, beginning) then return text end
  end
  return nil
end

local function count_set_aside(keys)
  local count = redis.pcall('HLEN', key_of(keys, 'set-aside'))
  return type(count) == 'number' and count or nil
end

local function plan_set_aside(step, sorted_set, member, reason)
  need(step.keys, sorted_set, 'set-aside')
  step.set_aside = (step.set_aside or 0) + 1
  plan(step, {'ZREM', key_of(step.keys, sorted_set), member})
  local kept = count_set_aside(step.keys)
  if not kept or kept + step.set_aside > SET_ASIDE_MOST then return end
  local notes, now_ms = key_of(step.keys, 'set-aside'), whole(math.floor(now_micros() / 1000))
  plan(step, {'HSET', notes, sorted_set .. ' ' .. member, now_ms .. ' ' .. string.sub(reason, 1, REASON_BYTES)})
end

local function cut(list, length)
  for at = #list, length + 1, -1 do list[at] = nil end
end

-- Plans the work for one subject, or, if its records are malformed, sets it aside: all of it or nothing. Returns 'planned',
-- 'set_aside', or 'wanting' if keys are not declared: then nothing is planned, and the names of the keys are noted, so that the
-- caller can go through other subjects before it asks for the keys of all. An error that is not about the record is raised again.
local function judge(step, sorted_set, member, plan_subject)
  check_step(step) -- earlier plans do not belong to this subject
  local writes, events, rings, set_aside = #step.writes, #step.events, #step.rings, step.set_aside
  local planned, failure = pcall(plan_subject, step)
  if planned then planned, failure = pcall(check_step, step) end
  if planned then return 'planned' end
  cut(step.writes, writes)
  cut(step.events, events)
  cut(step.rings, rings)
  step.checked_to, step.set_aside = writes, set_aside
  if failure == WANTING then return 'wanting' end
  plan_set_aside(step, sorted_set, member, read_malformation(failure) or fail_again(failure))
  return 'set_aside'
end
