// Scripts for those who have jobs run, each the whole of a change.

/** Adds jobs, all or none: looks at all of them before the first change. */
export const ADD = `
local jobs = cjson.decode(ARGV[3])
-- Of jobs that are there already, by what their identifiers would have been; and the states of those of this batch.
local there, states, keys = {}, {}, {}
local added = {}
for _, job in ipairs(jobs) do
  local known = rcall('HGET', P .. 'job:' .. job.id, 'state')
  local same = job.key and (keys[job.key] or rcall('HGET', P .. 'keys', job.key))
  if known then
    -- Asked again, as the first answer was lost on the way.
    there[job.id] = job.id
    added[#added + 1] = { job.id, 1 }
  elseif same then
    local fingerprint = keys[job.key] and keys[same] or rcall('HGET', P .. 'job:' .. same, 'fingerprint')
    if fingerprint ~= job.fingerprint then return { 'key', job.id, same } end
    there[job.id] = same
    added[#added + 1] = { same, 0 }
  else
    for _, blocker in ipairs(job.after or {}) do
      blocker[1] = there[blocker[1]] or blocker[1]
      if not states[blocker[1]] and rcall('EXISTS', P .. 'job:' .. blocker[1]) == 0 then
        return { 'blocker', job.id, blocker[1] }
      end
    end
    states[job.id] = true
    if job.key then
      keys[job.key] = job.id
      keys[job.id] = job.fingerprint
    end
    added[#added + 1] = { job.id, 1 }
  end
end
for i, said in ipairs(jobs) do
  if not there[said.id] then
    if said.inputFile == nil then rcall('SET', P .. 'input:' .. said.id, ARGV[3 + i]) end
    local job = { id = said.id, plugin = said.plugin }
    local expiresAt = said.ttlMs and now + said.ttlMs
    local after = said.after
    said.id = nil
    said.after = after and cjson.encode(after)
    said.addedAt, said.expiresAt = now, expiresAt
    said.attempt, said.claim, said.interruptions = 0, 0, 0
    write(job, said)
    index('Z', 'all', job.id, 0)
    index('Z', 'of:' .. job.plugin, job.id, 0)
    if expiresAt then rcall('ZADD', P .. 'expiry', text(expiresAt), job.id) end
    if job.key then rcall('HSET', P .. 'keys', job.key, job.id) end
    for _, blocker in ipairs(after or {}) do rcall('SADD', P .. 'children:' .. blocker[1], job.id) end
    local blocker, state = openBlocker(job)
    if blocker == nil then makeReady(job, tonumber(job.delayMs))
    else
      move(job, 'blocked', {})
      if isFinal(state) then finish(job, 'failed', '@blocker ' .. blocker .. ' ' .. state, REASONS.blocker)
      else tell({ kind = 'changed', id = job.id }) end
    end
  end
end
publish()
return { 'added', added }
`;

/** Ends jobs that nobody has, and tells of the others. */
export const CANCEL = `
local failure, said, answers = ARGV[4], ARGV[5], {}
for i, id in ipairs(cjson.decode(ARGV[3])) do
  local job = read(id)
  answers[i] = stateOf(job)
  if job and inHands(job) then
    answers[i] = 'running'
    write(job, { cancel = failure })
    rcall('SADD', P .. 'cancels:' .. job.node, id)
    tell({ kind = 'cancel', plugin = job.plugin, id = id, error = failure })
  elseif job and not isFinal(job.state) then finish(job, 'cancelled', failure, said) end
end
publish()
return answers
`;

/** Has jobs that have ended run again. Answers with what each was, and the files of results that are useless now. */
export const RETRY = `
local answers, files = {}, {}
for i, id in ipairs(cjson.decode(ARGV[3])) do
  local job = read(id)
  answers[i] = stateOf(job)
  if job and isFinal(job.state) then
    files[#files + 1] = job.resultFile
    revive(job)
    local blocker, state = openBlocker(job)
    if blocker == nil then makeReady(job, 0)
    else
      removeFromQueue(job)
      move(job, 'blocked', {})
      if isFinal(state) then finish(job, 'failed', '@blocker ' .. blocker .. ' ' .. state, REASONS.blocker)
      else tell({ kind = 'changed', id = id }) end
    end
  end
end
publish()
return { answers, files }
`;

/** Removes jobs that have ended. Answers with what each was, and the files that are useless now. */
export const REMOVE = `
local answers, files = {}, {}
for i, id in ipairs(cjson.decode(ARGV[3])) do
  local job = read(id)
  answers[i] = stateOf(job)
  if job and isFinal(job.state) then
    files[#files + 1] = job.inputFile
    files[#files + 1] = job.resultFile
    remove(job)
    tell({ kind = 'changed', id = id })
  end
end
publish()
return { answers, files }
`;

/** Gives a job another priority, or the first place. */
export const PLACE = `
local job = read(ARGV[3])
local answer = stateOf(job)
if not job or isFinal(job.state) then return answer end
if ARGV[4] ~= '' then
  write(job, { priority = ARGV[4], bullPriority = ARGV[5] })
  if job.state == 'waiting' or job.state == 'delayed' then moveInQueue(job, false) end
end
if ARGV[6] == '1' and job.state == 'waiting' then
  local q = queueOf(job.plugin)
  local head = rcall('ZRANGE', q .. 'prioritized', 0, 0, 'WITHSCORES')
  local first = head[1] and read(rcall('HGET', q .. head[1], 'greenroom') or '')
  if first and tonumber(first.priority) > tonumber(job.priority) then
    write(job, { priority = first.priority, bullPriority = first.bullPriority })
  end
  if head[1] and head[1] ~= bullId(job) then
    moveInQueue(job, true)
    -- Before one that was made the first earlier, which has the same place for BullMQ.
    rcall('ZADD', q .. 'prioritized', text(head[2] - 1), bullId(job))
  end
end
tell({ kind = 'changed', id = job.id })
publish()
return answer
`;

/** Takes no jobs of these plugins until they are resumed. */
export const PAUSE = `
for i = 3, #ARGV do rcall('SADD', P .. 'paused', ARGV[i]) end
`;

/** Takes them again; without names, of all. */
export const RESUME = `
if #ARGV == 2 then rcall('DEL', P .. 'paused') end
for i = 3, #ARGV do rcall('SREM', P .. 'paused', ARGV[i]) end
for _, field in ipairs(rcall('HKEYS', P .. 'counts')) do
  local plugin = string.match(field, '^waiting (.*)$')
  if plugin then tell({ kind = 'waiting', plugin = plugin }) end
end
publish()
`;
