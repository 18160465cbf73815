import { expect, test } from 'vitest';
import { parseManifest } from '../../src/manifest/schema.ts';

const parse = (fields: Record<string, unknown>) => parseManifest({ name: 'x', worker: 'http', ...fields });

test('a server may have every field of its kind', () => {
  const fields = {
    command: 'llama-server',
    args: ['--port', '{port}'],
    ready: { path: '/v1/models?full=1', status: 204, owner: false },
    liveness: { path: '/health', interval_ms: 1_000 },
    stop_command: ['docker', 'rm', '-f', 'x'],
    websockets: 'free',
    models: ['qwen', 'gpt-4o-mini'],
    use_model_name: 'Qwen3',
    filters: { strip: ['user'], set: { temperature: 0.5 }, set_by_model: { 'gpt-4o-mini': { top_k: 1 } } },
    unlisted: true,
    display_name: 'Qwen 3',
    metadata: { family: 'qwen' },
    capabilities: { tools: true, context: 32_768 },
  };
  expect(parse(fields)).toMatchObject({ ok: true, manifest: fields, warnings: [] });
});

test('an address alone makes a server that another program runs', () => {
  expect(parseManifest({ name: 'x', url: 'http://127.0.0.1:8080/v1' })).toMatchObject({
    ok: true,
    manifest: { worker: 'http' },
  });
});

const ADDRESS =
  'expected an http:// or https:// address without user, query and fragment, as "http://127.0.0.1:8080", got';
const RUN_ELSEWHERE = 'unexpected; the server at "url" is run by another program; leave';

test.each([
  ['nothing to start', {}, 'command', 'missing; a worker of kind "http" needs it, or "url"'],
  ['a program and an address', { command: 'x', url: 'http://h' }, 'command', `${RUN_ELSEWHERE} out one of them`],
  ['arguments of an address', { url: 'http://h', args: [] }, 'args', `${RUN_ELSEWHERE} it out`],
  ['several of an address', { url: 'http://h', instances: 2 }, 'instances', `${RUN_ELSEWHERE} it out`],
  ['an address of files', { url: 'file:///etc' }, 'url', `${ADDRESS} "file:///etc"`],
  ['an address with a secret', { url: 'http://u:p@h' }, 'url', `${ADDRESS} "http://u:p@h"`],
  ['no address', { url: 'localhost:80' }, 'url', `${ADDRESS} "localhost:80"`],
  [
    'a word',
    { command: 'x', ready: 'ports' },
    'ready',
    'expected "port" or an object, got "ports"; did you mean "port"?',
  ],
  [
    'no path',
    { command: 'x', ready: { path: 'health' } },
    'ready.path',
    'expected a path that begins with "/", got "health"',
  ],
  ['a misspelt field', { command: 'x', ready: { stat: 200 } }, 'ready', 'unknown field "stat"; did you mean "status"?'],
  [
    'a misspelt word',
    { command: 'x', websockets: 'fre' },
    'websockets',
    'expected one of "lease", "free", got "fre"; did you mean "free"?',
  ],
  ['no command', { command: 'x', stop_command: [] }, 'stop_command', 'expected a list of at least 1 item, got a list'],
  [
    'a path beside an address',
    { url: 'http://h', base_path: '/v1' },
    'base_path',
    'unexpected; put the path behind the address in "url"',
  ],
  [
    'a path before a socket',
    { command: 'x', args: ['{socket}'], base_path: '/v1' },
    'base_path',
    'unexpected; it is for servers that listen on {port}, and this one is given {socket}',
  ],
  [
    'a check without a path',
    { command: 'x', liveness: {} },
    'liveness.path',
    'missing; a worker of kind "http" is checked at a path, as "/health"',
  ],
  [
    'a config',
    { command: 'x', config_schema: {} },
    'config_schema',
    'unexpected; a worker of kind "http" takes requests only; leave it out',
  ],
])('a server with %s is refused, in words', (_what, fields, field, reason) => {
  expect(parse(fields)).toMatchObject({ ok: false, issues: [{ field, reason }] });
});

test('of another kind of worker these fields are warned of', () => {
  const parsed = parseManifest({ name: 'x', command: 'llama-server', ready: {}, liveness: { path: '/health' } });
  const reason = (kind: string) => `ignored by a worker of kind "${kind}"; for an HTTP server, add "worker": "http"`;
  expect(parsed).toMatchObject({
    ok: true,
    warnings: [
      { field: 'ready', reason: reason('command') },
      { field: 'liveness.path', reason: reason('command') },
    ],
  });
});
