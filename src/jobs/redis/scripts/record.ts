/**
 * Lua that every script begins with: the records of jobs, their indexes, and hints. `P` begins the keys of ours, `Q` those
 * of BullMQ. `now` is the time of the server in milliseconds, so that programs whose clocks differ agree.
 *
 * Keys: `job:ID` a hash, `attempts:ID` a list of JSON, `input:ID` and `result:ID` packed values, `children:ID` the jobs
 * that come after it; `all`, `of:PLUGIN`, `in:STATE`, `in:STATE:PLUGIN` the identifiers, sorted by time as they begin with
 * it; `counts`, `keys`; `due`, `expiry` and `ended` by time; `nodes` by their last beat, `lastBeat` of any of them,
 * `grace` while none is thought gone, `texts` of them, and `held:NODE` and `cancels:NODE`.
 */
export const RECORD = `
local P, Q = ARGV[1], ARGV[2]
local rcall = redis.call
local clock = rcall('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local hints, counted, told, indexed = {}, {}, {}, { Z = {}, S = {} }

-- Numbers as text with all their digits: Lua's own text has 14.
local nowText = string.format('%.0f', now)
local function text(value)
  if type(value) ~= 'number' then return value end
  if value == now then return nowText end
  if value == math.floor(value) and math.abs(value) < 1e15 then return string.format('%.0f', value) end
  return string.format('%.17g', value)
end

local function tell(hint)
  local name = hint.kind .. (hint.plugin or '') .. (hint.id or '')
  if told[name] then return end
  told[name] = true
  hints[#hints + 1] = hint
end

-- Has a member of an index with this score, in a set true, or removes it with false. Each index is written once for all
-- jobs of a script, at its end, so what reads one after that has it written before.
local function index(kind, key, member, value)
  local members = indexed[kind][key]
  if members == nil then
    members = {}
    indexed[kind][key] = members
  end
  members[member] = value
end

local function writeIndex(command, key, list)
  -- Lua can pass some 8,000 at once.
  for from = 1, #list, 4000 do rcall(command, P .. key, unpack(list, from, math.min(from + 3999, #list))) end
end

local function writeIndexes()
  for kind, keys in pairs(indexed) do
    for key, members in pairs(keys) do
      local added, gone = {}, {}
      for member, value in pairs(members) do
        if value == false then gone[#gone + 1] = member
        else
          if kind == 'Z' then added[#added + 1] = text(value) end
          added[#added + 1] = member
        end
      end
      writeIndex(kind .. 'ADD', key, added)
      writeIndex(kind .. 'REM', key, gone)
    end
    indexed[kind] = {}
  end
end

-- At the end of what changes jobs: their indexes, how many there are now, and hints.
local function publish()
  writeIndexes()
  for field, by in pairs(counted) do
    if by ~= 0 and rcall('HINCRBY', P .. 'counts', field, by) == 0 then rcall('HDEL', P .. 'counts', field) end
  end
  if #hints == 0 then return end
  rcall('PUBLISH', P .. 'hints', cjson.encode(hints))
end

local function fields(flat)
  local found = {}
  for i = 1, #flat, 2 do found[flat[i]] = flat[i + 1] end
  return found
end

-- The record of a job; nil: unknown.
local function read(id)
  local flat = rcall('HGETALL', P .. 'job:' .. id)
  if #flat == 0 then return nil end
  local job = fields(flat)
  job.id = id
  return job
end

-- Changes fields of a record; false removes one.
local function write(job, changes)
  local set, gone = {}, {}
  for field, value in pairs(changes) do
    if value == false then
      if job[field] ~= nil then gone[#gone + 1] = field end
      job[field] = nil
    else
      value = text(value)
      set[#set + 1] = field
      set[#set + 1] = value
      job[field] = value
    end
  end
  if #set > 0 then rcall('HSET', P .. 'job:' .. job.id, unpack(set)) end
  if #gone > 0 then rcall('HDEL', P .. 'job:' .. job.id, unpack(gone)) end
end

-- Users see a job that was taken and has not begun as waiting.
local function shown(state)
  if state == 'taken' then return 'waiting' end
  return state
end

local function isFinal(state)
  return state == 'done' or state == 'failed' or state == 'cancelled'
end

local function inHands(job)
  return job.state == 'taken' or job.state == 'running'
end

local function count(plugin, state, by)
  local field = state .. ' ' .. plugin
  counted[field] = (counted[field] or 0) + by
end

local function enter(job, state)
  index('Z', 'in:' .. state, job.id, 0)
  index('Z', 'in:' .. state .. ':' .. job.plugin, job.id, 0)
  count(job.plugin, state, 1)
end

local function leave(job, state)
  index('Z', 'in:' .. state, job.id, false)
  index('Z', 'in:' .. state .. ':' .. job.plugin, job.id, false)
  count(job.plugin, state, -1)
end

-- Has a job change its state, or gives a new one its first, with other fields of its record.
local function move(job, state, changes)
  local from, to = shown(job.state), shown(state)
  if from ~= to then
    if from then leave(job, from) end
    enter(job, to)
  end
  changes.state = state
  write(job, changes)
end

-- The state that a job had, as users see it; false: unknown.
local function stateOf(job)
  return job and shown(job.state) or false
end
`;
