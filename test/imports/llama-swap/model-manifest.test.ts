import { expect, test } from 'vitest';
import { importText, modelA } from './imported.ts';

const importNames = (...ids: readonly string[]) =>
  importText(`models:\n${ids.map((id) => `  ${JSON.stringify(id)}: { cmd: 's \${PORT}' }`).join('\n')}`);

test('a model with nothing but a command is a server with its name', () => {
  expect(modelA('cmd: "server --port ${PORT}"')).toEqual({
    manifest: { name: 'a', worker: 'http', command: 'server', args: ['--port', '{port}'], models: ['a'] },
    remarks: [],
  });
});

test.each([
  ['an option', 'cmd: "s --port 9000 -c 9000", proxy: "http://localhost:9000"', ['--port', '{port}', '-c', '9000']],
  ['an option with "="', 'cmd: "s --port=9000", proxy: "http://127.0.0.1:9000"', ['--port={port}']],
  ['an address', 'cmd: "s 0.0.0.0:9000 90001", proxy: "http://localhost:9000"', ['0.0.0.0:{port}', '90001']],
  [
    'the port of a container',
    'cmd: "docker run -p 9000:9000 image --port 9000", proxy: "http://localhost:9000"',
    ['run', '-p', '{port}:9000', 'image', '--port', '9000'],
  ],
])('a fixed port becomes that which Greenroom chooses: %s', (_what, keys, args) => {
  expect(modelA(keys).manifest?.['args']).toEqual(args);
});

test('a fixed port of a variable becomes that which Greenroom chooses, in cmdStop too', () => {
  const { manifest } = modelA(
    'cmd: s, env: ["HOST=127.0.0.1:9000"], cmdStop: "stop :9000", proxy: "http://localhost:9000"',
  );
  expect(manifest).toMatchObject({ env_vars: { HOST: '127.0.0.1:{port}' }, stop_command: ['stop', ':{port}'] });
});

test('a command that is given a port gets the requests there, whatever proxy says', () => {
  const { manifest, remarks } = modelA('cmd: "s ${PORT}", proxy: "http://localhost:9000"');
  expect(manifest).toMatchObject({ args: ['{port}'] });
  expect(remarks).toEqual([
    'noted models.a.proxy: the port is that which cmd is given, ${PORT}: requests are sent there',
  ]);
});

test.each([
  ['names no port', 'cmd: s', 'cmd does not say where the server listens. Add ${PORT} to it, such as --port ${PORT}.'],
  ['hides its port', 'cmd: s, proxy: "http://localhost:9000"', 'Greenroom chooses the port, and where cmd names that'],
  ['has its port twice', 'cmd: "s 9000 9000", proxy: "http://localhost:9000"', 'Greenroom chooses the port, and'],
  [
    'is elsewhere',
    'cmd: "s ${PORT}", proxy: "http://10.0.0.1:${PORT}"',
    'proxy is http://10.0.0.1:${PORT}, and Greenroom',
  ],
  [
    'speaks TLS',
    'cmd: "s ${PORT}", proxy: "https://localhost:${PORT}"',
    'proxy is https://localhost:${PORT}, and Greenroom',
  ],
  ['has no address', 'cmd: "s ${PORT}", proxy: "nowhere"', 'proxy is not an address: "nowhere". Correct it.'],
  ['has a query', 'cmd: "s ${PORT}", proxy: "http://localhost:${PORT}/?a"', 'proxy has a query, "?a". Leave it out.'],
  ['has a placeholder of ours', 'cmd: "s ${PORT} {host}"', 'cmd has {host}, which Greenroom would replace.'],
  ['has no words', `cmd: " ", proxy: "http://localhost:1"`, 'cmd has no words. Write a program, and its arguments.'],
  [
    'is a container that says nothing',
    'cmd: "docker run -p ${PORT}:80 x", checkEndpoint: none',
    'a container needs a checkEndpoint',
  ],
  ['asks at a path that is none', 'cmd: "s ${PORT}", checkEndpoint: health', 'ready.path: expected a path that begins'],
])('a model that %s is not written, and it is said what to do', (_what, keys, reason) => {
  const { manifest, remarks } = modelA(keys);
  expect(manifest).toBeUndefined();
  expect(remarks).toEqual([expect.stringContaining(`refused models.a: not written: ${reason}`)]);
});

test.each([
  ['the time of the model', 'ttl: 60', 'globalTTL: 5', { idle_release_ms: 60_000 }],
  ['that of all models', 'ttl: -1', 'globalTTL: 5', { idle_release_ms: 5_000 }],
  ['that of all models where it says nothing', 'name: A', 'globalTTL: 5', { idle_release_ms: 5_000 }],
  ['never', 'ttl: 0', 'globalTTL: 5', undefined],
])('a model is released after %s', (_what, key, top, resources) => {
  expect(modelA(`cmd: "s \${PORT}", ${key}`, top).manifest?.['resources']).toEqual(resources);
});

test('a start may take 15 s at the least', () => {
  expect(modelA('cmd: "s ${PORT}"', 'healthCheckTimeout: 3').manifest).toMatchObject({ start_timeout_ms: 15_000 });
});

test('a stop command that may take longer than Greenroom lets it is named', () => {
  expect(modelA('cmd: "s ${PORT}", cmdStop: stop, unloadTimeout: 30').remarks).toEqual([
    'noted models.a.cmdStop: it may take 10 s, whatever unloadTimeout says',
  ]);
});

test('an entry of env that is no variable is named', () => {
  expect(modelA('cmd: "s ${PORT}", env: [A=1=2, "=x", B]')).toMatchObject({
    manifest: { env_vars: { A: '1=2' } },
    remarks: [
      'refused models.a.env[1]: expected NAME=value, got "=x"',
      'refused models.a.env[2]: expected NAME=value, got "B"',
    ],
  });
});

test('names that files cannot have are changed for the plugin alone', () => {
  const { manifests } = importNames('z-ai/glm:4.5', 'z-ai-glm-4.5', 'A', 'a', '../x', 'model.bak', '…');
  expect([...manifests].map(([name, { models }]) => [name, models])).toEqual([
    ['z-ai-glm-4.5-2', ['z-ai/glm:4.5']],
    ['z-ai-glm-4.5', ['z-ai-glm-4.5']],
    ['A', ['A']],
    ['a-2', ['a']],
    ['x', ['../x']],
    ['model-bak', ['model.bak']],
    ['model', ['…']],
  ]);
});

test('the page of ComfyUI has the limits that llama-swap gives it', () => {
  const { manifests } = importNames('comfyui_auto');
  expect(manifests.get('comfyui_auto')).toMatchObject({ max_concurrency: 50, websockets: 'free' });
});
