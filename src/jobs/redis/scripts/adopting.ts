/** Lua that makes the record of a job that another program has added to the queue of a plugin, by BullMQ's `Queue.add`. */
export const ADOPTING = `
local NO_PRIORITY, HUNDREDTHS = 1048576, 100

-- What BullMQ waits after a failed attempt, as ours: exponential doubles, fixed stays.
local function backoffOf(said)
  local delayMs, factor = 0, 1
  if type(said) == 'number' then delayMs = said end
  if type(said) == 'table' then
    delayMs = tonumber(said.delay) or 0
    if said.type == 'exponential' then factor = 2 end
  end
  return cjson.encode({ delayMs = delayMs, factor = factor, maxMs = 600000 })
end

-- found: what the queue has of the job. Without a priority, it stands before all that have one, and is shown with none.
local function adopt(plugin, bull, found, id)
  local ok, opts = pcall(cjson.decode, found.opts or '{}')
  if not ok or type(opts) ~= 'table' then opts = {} end
  local attempts = math.max(1, math.floor(tonumber(opts.attempts) or 1))
  local bullPriority = tonumber(found.priority) or 0
  local priority = bullPriority == 0 and 0 or (NO_PRIORITY - bullPriority) / HUNDREDTHS
  local job = { id = id, plugin = plugin, state = 'waiting' }
  write(job, {
    plugin = plugin, bull = bull, state = 'waiting', priority = priority, bullPriority = bullPriority, attempts = attempts,
    tries = attempts, attempt = 0, claim = 0, backoff = backoffOf(opts.backoff), delayMs = 0, once = '0',
    addedAt = tonumber(found.timestamp) or now, readyAt = tonumber(found.timestamp) or now,
  })
  if found.name and found.name ~= 'execute' then write(job, { tool = found.name }) end
  local data = found.data or ''
  -- As packValue writes JSON: the length of the JSON, and that of the places of bytes.
  rcall('SET', P .. 'input:' .. id, struct.pack('>I4I4', #data, 0) .. data)
  index('Z', 'all', id, 0)
  index('Z', 'of:' .. plugin, id, 0)
  rcall('HSET', queueOf(plugin) .. bull, 'greenroom', id)
  enter(job, 'waiting')
  return job
end
`;
