// A Greenroom plugin with no SDK: a program of one file that speaks the worker protocol and drives ffmpeg. Beside what
// hello-command does, it reports progress, runs several calls at once, and ends its ffmpeg when a call is cancelled.
//   {"action":"probe","path":…}      what the file is
//   {"action":"loudness","path":…}   how loud it is, after EBU R 128
//   {"action":"tone","path":…,"seconds":5,"frequency":440}   makes a file with a tone in it
import { spawn } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const INSTALL =
  { darwin: 'brew install ffmpeg', win32: 'winget install ffmpeg' }[process.platform] ?? 'sudo apt install ffmpeg';

let config = { threads: 1 };
/** The ffmpeg process of each running call. */
const running = new Map();

class MediaError extends Error {
  constructor(message, category, details) {
    super(message);
    Object.assign(this, { name: 'MediaError', category, details });
  }
}

const actions = {
  async probe({ path }, call) {
    const shown = [
      '-show_entries',
      'format=duration,format_name:stream=codec_type,codec_name,channels,sample_rate,width,height',
    ];
    const { stdout } = await run(call, 'ffprobe', ['-v', 'error', '-of', 'json', ...shown, fileUrl(path)]);
    const { format, streams } = JSON.parse(stdout);
    return {
      seconds: Number(format.duration ?? 0),
      format: format.format_name,
      streams: streams.map(({ codec_type: type, codec_name: codec, channels, sample_rate: rate, width, height }) => {
        return { type, codec, channels, sampleRate: rate && Number(rate), width, height };
      }),
    };
  },

  async loudness({ path }, call, report) {
    const { seconds } = await actions.probe({ path }, call);
    const onLine = (line) => {
      // "out_time_ms" is in microseconds too, in every version; "out_time_us" says so.
      const at = /^out_time_us=(\d+)$/.exec(line);
      if (at && seconds > 0) report(Math.min(1, Number(at[1]) / 1e6 / seconds), 'measuring');
    };
    const measure = ['-map', '0:a:0', '-af', 'ebur128=framelog=verbose', '-f', 'null', '-'];
    const { stderr } = await run(call, 'ffmpeg', [...quiet(), '-i', fileUrl(path), ...measure], onLine);
    const summary = stderr.slice(stderr.lastIndexOf('Summary:'));
    const value = (name) => Number(new RegExp(`${name}:\\s+(-?[\\d.]+)`).exec(summary)?.[1] ?? Number.NaN);
    // JSON has no infinities: a file without sound has no loudness.
    const [integratedLufs, rangeLu] = [value('I'), value('LRA')].map((number) =>
      Number.isFinite(number) ? number : null,
    );
    return { integratedLufs, rangeLu };
  },

  async tone({ path, seconds = 5, frequency = 440 }, call, report) {
    const onLine = (line) => {
      const at = /^out_time_us=(\d+)$/.exec(line);
      if (at) report(Math.min(1, Number(at[1]) / 1e6 / seconds), 'writing');
    };
    // Text would be read as more of ffmpeg's filter language.
    if (!Number.isFinite(seconds) || !Number.isFinite(frequency)) {
      throw new MediaError('"seconds" and "frequency" are numbers.', 'input');
    }
    const source = `sine=frequency=${frequency}:duration=${seconds}`;
    await run(call, 'ffmpeg', [...quiet(), '-f', 'lavfi', '-i', source, '-y', fileUrl(path)], onLine);
    return { path };
  },
};

const quiet = () => ['-hide_banner', '-nostdin', '-nostats', '-progress', 'pipe:1', '-threads', String(config.threads)];

/** ffmpeg reads names such as "concat:…" or "http:…" as instructions; this way a path is nothing but a path. */
function fileUrl(path) {
  if (typeof path === 'string' && path !== '') return `file:${path}`;
  throw new MediaError(
    'Give the "path" of a file; an absolute one, because the plugin runs in its own folder.',
    'input',
  );
}

/** Runs a program for a call until it ends by itself or is killed by a cancel. */
function run(call, program, args, onLine = () => {}) {
  if (call.cancelled) throw new MediaError('The call was cancelled.', 'transient');
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    call.child = child;
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    createInterface({ input: child.stdout }).on('line', onLine);
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', (error) => {
      if (error.code !== 'ENOENT') return reject(error);
      reject(
        new MediaError(`${program} is not installed; install it with: ${INSTALL}`, 'input', { missing: 'ffmpeg' }),
      );
    });
    child.on('close', (code) => {
      if (call.cancelled) reject(new MediaError('The call was cancelled.', 'transient'));
      else if (code !== 0) reject(new MediaError(stderr.trim() || `${program} ended with ${code}.`, 'input', { code }));
      else resolve({ stdout, stderr });
    });
  });
}

/** Answers with one JSON object, or, once progress was reported, with a line for each report and one for the end. */
async function execute({ call: id, kwargs }, response) {
  const call = { cancelled: false };
  running.set(id, call);
  const report = (progress, message) => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write(`${JSON.stringify({ progress, message })}\n`);
  };
  response.on('close', () => stop(call)); // the caller may be gone before the end
  try {
    const action = Object.hasOwn(actions, kwargs.action) ? actions[kwargs.action] : undefined;
    if (!action)
      throw new MediaError(`There is no action "${kwargs.action}"; use ${Object.keys(actions).join(', ')}.`, 'input');
    const result = await action(kwargs, call, report);
    if (response.headersSent) response.end(`${JSON.stringify({ result })}\n`);
    else answer(response, 200, { result });
  } catch (error) {
    if (response.headersSent) response.end(`${JSON.stringify(describe(error))}\n`);
    else answer(response, error.category === 'input' ? 400 : 500, describe(error));
  } finally {
    running.delete(id);
  }
}

function stop(call) {
  call.cancelled = true;
  call.child?.kill('SIGKILL');
}

function cancel({ call: id }) {
  const call = running.get(id);
  if (call) stop(call);
  return { outcome: call ? 'requested' : 'unknown' };
}

const describe = ({ name: type, message, category = 'fatal', details, stack }) => ({
  error: { type, message, category, retryable: false, details, stack },
});

function answer(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

// The host's first line says how to serve it. The end of the input says that the host is gone, and so must we be.
const input = createInterface({ input: process.stdin });
input.once('line', (line) => serve(JSON.parse(line)));
input.once('close', () => process.exit());
process.on('exit', () => running.forEach(stop));
process.on('SIGTERM', () => process.exit());

function serve({ nonce, token, listen, plugin, concurrency }) {
  const routes = {
    'GET /health': () => ({ status: 'ok', pid: process.pid, name: plugin.name, nonce }),
    'POST /initialize': (body) => ((config = { ...config, ...body.config }), {}),
    'GET /config': () => config,
    'GET /config_schema': () => null, // the manifest has it
    'POST /cancel': cancel,
    'POST /release': () => ({ outcome: 'unsupported' }),
  };
  // The host keeps its connections open, and a call may take hours.
  const patience = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 };
  const server = createServer(patience, (request, response) => void respond(request, response));

  async function respond(request, response) {
    try {
      if (!isHost(request)) return answer(response, 401, describe(new MediaError('The token is not right.', 'input')));
      const body = JSON.parse((await request.setEncoding('utf8').toArray()).join('') || '{}');
      const route = routes[`${request.method} ${request.url}`];
      if (request.url === '/execute') await execute(body, response);
      else if (route) answer(response, 200, route(body));
      else answer(response, 404, describe(new MediaError(`There is no ${request.url}.`, 'input')));
    } catch (error) {
      answer(response, 500, describe(error));
    }
  }

  server.listen(listen.unix ? { path: listen.unix } : { host: listen.tcp, port: 0 }, () => {
    const address = listen.unix ? `unix:${listen.unix}` : `tcp:${listen.tcp}:${server.address().port}`;
    const capabilities = ['cancel', 'progress'];
    const handshake = { greenroom: 1, nonce, pid: process.pid, address, control: address, sdk: 'none', capabilities };
    console.log(JSON.stringify({ ...handshake, concurrency }));
  });

  /** On TCP, web pages can reach us too: they cannot leave out these headers. */
  function isHost({ headers }) {
    const [given, wanted] = [headers.authorization ?? '', `Bearer ${token}`].map((text) => Buffer.from(text));
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return false;
    if (listen.unix) return true;
    const fromBrowser = Object.keys(headers).some((name) => name === 'origin' || name.startsWith('sec-fetch-'));
    return !fromBrowser && headers.host === `${listen.tcp}:${server.address().port}`;
  }
}
