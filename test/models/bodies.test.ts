import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { openFront } from './front.ts';

const run = promisify(execFile);

const JSON_TYPE = { 'content-type': 'application/json' };

const spools = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('greenroom-upload-'));

/** What the server was sent in the last request. */
async function sent(url: string, path: string, body: string, headers: Record<string, string> = JSON_TYPE) {
  const answer = await fetch(url + path, { method: 'POST', headers, body });
  expect(answer.status).toBe(200);
  return (await answer.json()) as { text: string; path: string; query?: string; headers: Record<string, string> };
}

test('a body is passed on byte for byte where the manifest asks for no change', async () => {
  const { url } = await openFront({ a: {} });
  const body = ' {"seed": 12345678901234567890 , "x":1.0,"x":2,\t"model" : "a", "text":"\\u00e9\\"}]{" }\n';
  expect((await sent(url, '/v1/responses', body)).text).toBe(body);
});

test('filters and the name of the model change what they name, and no digit of the rest', async () => {
  const { url } = await openFront({
    a: {
      models: ['a', 'fast'],
      use_model_name: 'real',
      filters: {
        strip: ['top_k', 'model'],
        set: { temperature: 0.5 },
        set_by_model: { fast: { effort: 'low', temperature: 1 } },
      },
    },
  });
  const body = (model: string): string =>
    `{"seed":12345678901234567890,"top_k":1,"model":"${model}","temperature":9,"a":[1.0,{"top_k":2}]}`;
  const rest = '{"seed":12345678901234567890,"a":[1.0,{"top_k":2}],"model":"real"';
  const plain = await sent(url, '/v1/completions', body('a'));
  expect(plain.text).toBe(`${rest},"temperature":0.5}`);
  expect(plain.headers['content-length']).toBe(String(plain.text.length));
  expect((await sent(url, '/v1/completions', body('fast'))).text).toBe(`${rest},"temperature":1,"effort":"low"}`);
});

test('the model may be in a query, or in a form of pairs; curl needs to name no type', async () => {
  const { url } = await openFront({ a: { use_model_name: 'real' } });
  const voices = (await (await fetch(`${url}/v1/audio/voices?model=a&x=%20y`)).json()) as { query: string };
  expect(voices.query).toBe('model=real&x=+y');
  const pairs = await sent(url, '/v1/audio/speech', 'input=hi&model=a', {
    'content-type': 'application/x-www-form-urlencoded',
  });
  expect(pairs.text).toBe('input=hi&model=real');
  const { stdout } = await run('curl', ['-sS', `${url}/completion`, '-d', '{"prompt":"hi","model":"a"}']);
  expect(JSON.parse(stdout)).toMatchObject({ path: '/completion', text: '{"prompt":"hi","model":"real"}' });
});

test("Python's standard library is answered", async () => {
  const { url } = await openFront({ a: {} });
  const program = `
import json, sys, urllib.request
body = {"model": "a", "messages": [{"role": "user", "content": "hello"}]}
request = urllib.request.Request(sys.argv[1] + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
with urllib.request.urlopen(request) as answer:
    print(json.load(answer)["choices"][0]["message"]["content"])`;
  expect((await run('python3', ['-c', program, url])).stdout).toBe('hello\n');
});

test('what follows /v is asked for without it', async () => {
  const { url } = await openFront({ a: {} });
  expect((await sent(url, '/v/embeddings?x=1', '{"model":"a"}')).path).toBe('/embeddings');
});

test.each([
  ['no JSON', '{"model":"a"', 'invalid_json'],
  ['a list', '[1]', 'invalid_json'],
  ['two models', '{"model":"a","model":"b"}', 'invalid_json'],
  ['a model that is no text', '{"model":1}', 'invalid_type'],
  ['no model', '{}', 'missing_model'],
])('%s is refused with 400', async (_what, body, code) => {
  const { url, notes } = await openFront({ a: {} });
  const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: JSON_TYPE, body });
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code, param: 'model' } }]);
  expect(notes()).toEqual([]);
});

test('a body of more than 64 MiB is refused with 413', async () => {
  const { url } = await openFront({ a: {} });
  const body = `{"model":"a","text":"${'x'.repeat(64 * 1024 * 1024)}"}`;
  const answer = await fetch(`${url}/v1/messages`, { method: 'POST', headers: JSON_TYPE, body });
  expect([answer.status, await answer.json()]).toMatchObject([413, { error: { type: 'request_too_large' } }]);
});

/** Whether a descriptor of this process is a form that was put aside. */
function isSpool(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).includes('greenroom-upload-');
  } catch {
    return false;
  }
}

/** A form whose file is larger than what stays in memory, up to its model. */
const head = (size: number, rest: string): string =>
  `POST /v1/audio/transcriptions HTTP/1.1\r\nHost: HOST\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${size}\r\n\r\n${rest}`;

test('a form whose client leaves before the model has come leaves nothing behind', async () => {
  const { url, notes } = await openFront({ a: {} });
  const { host, port } = new URL(url);
  const before = spools();
  const socket = connect(Number(port), '127.0.0.1');
  const part = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n';
  socket.write(head(9_000_000, part).replace('HOST', host));
  const open = (): string[] => readdirSync('/proc/self/fd').filter(isSpool);
  await new Promise<void>((resolve) => {
    socket.write('x'.repeat(3_000_000), () => resolve());
  });
  if (process.platform === 'linux') await eventually(() => expect(open()).toHaveLength(1), { interval: 5 });
  socket.destroy();
  if (process.platform === 'linux') await eventually(() => expect(open()).toEqual([]), { interval: 5 });
  expect(spools()).toEqual(before);
  expect(notes()).toEqual([]);
});

test('a form goes on being sent while its beginning is passed on already', async () => {
  const { url, noted, opened } = await openFront({ a: {} });
  const { host, port } = new URL(url);
  await opened.supervisor.load('a');
  const socket = connect(Number(port), '127.0.0.1');
  const field = (name: string, value: string): string =>
    `--b\r\nContent-Disposition: form-data; name=${name}\r\n\r\n${value}\r\n`;
  const [first, second] = [`${field('model', 'a')}${field('x', '')}`, `${field('y', 'later')}--b--\r\n`];
  socket.write(head(first.length + second.length, first).replace('HOST', host));
  await opened.entered('a', 'busy');
  socket.write(second);
  const answer = await new Promise<string>((resolve) => {
    socket.once('data', (data: Buffer) => resolve(data.toString()));
  });
  socket.destroy();
  expect(answer).toContain(JSON.stringify(JSON.stringify({ model: 'a', x: '', y: 'later' })));
  await noted('request');
});

test.each([
  ['it is refused', { command: '/nowhere/at/all' }, '/v1/audio/transcriptions', 500],
  ['the server answers before it has read it', {}, '/v1/images/edits', 413],
])(
  'a client that reads only once its whole form is sent sees the answer where %s',
  async (_what, more, path, status) => {
    const { url } = await openFront({ a: more });
    const { host, port } = new URL(url);
    const form =
      '--b\r\nContent-Disposition: form-data; name=model\r\n\r\na\r\n' +
      '--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n' +
      `${'x'.repeat(40 * 1024 * 1024)}\r\n--b--\r\n`;
    const socket = connect(Number(port), '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      const all = head(form.length, form).replace('HOST', host).replace('/v1/audio/transcriptions', path);
      socket.write(all, () => resolve());
    });
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(answer.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  },
);

test('a body that finds no room in memory is refused with 503 until others are answered', async () => {
  const { opened, url, openDoor } = await openFront({ a: {} }, { memoryBytes: 1_000, door: true });
  const ask = (length: number, chunked = false): Promise<Response> => {
    const text = `{"model":"a","text":"${'x'.repeat(length)}"}`;
    const body = chunked ? new Blob([text]).stream() : text;
    return fetch(`${url}/v1/responses`, { method: 'POST', headers: JSON_TYPE, body, duplex: 'half' });
  };
  const first = ask(600);
  await eventually(() => expect(opened.snapshot('a').waiting).toBe(1), { interval: 5 });
  for (const chunked of [false, true]) {
    const refused = await ask(600, chunked);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await refused.json()).toMatchObject({ error: { code: 'memory_full' } });
  }
  openDoor();
  expect((await first).status).toBe(200);
  expect((await ask(600, true)).status).toBe(200);
});

test('a form that finds no space in files is refused with 503 until others are answered', async () => {
  const { opened, url, openDoor } = await openFront({ a: {} }, { spoolBytes: 3_000_000, door: true });
  const ask = (bytes: number): Promise<Response> => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(bytes)]), 'talk.wav');
    form.append('model', 'a');
    return fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: form });
  };
  const first = ask(2_000_000);
  await eventually(() => expect(opened.snapshot('a').waiting).toBe(1), { interval: 5 });
  const refused = await ask(2_000_000);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
  expect(await refused.json()).toMatchObject({ error: { code: 'disk_full' } });
  // What is kept in memory takes none of it.
  const small = ask(500_000);
  await eventually(() => expect(opened.snapshot('a').waiting).toBe(2), { interval: 5 });
  openDoor();
  expect([(await first).status, (await small).status]).toEqual([200, 200]);
  // The file is closed after the answer.
  await eventually(async () => expect((await ask(2_000_000)).status).toBe(200));
});

test('a body of very many fields is refused with 400', async () => {
  const { url } = await openFront({ a: {} });
  const body = `{${'"":1,'.repeat(10_000)}"model":"a"}`;
  const answer = await fetch(`${url}/v1/responses`, { method: 'POST', headers: JSON_TYPE, body });
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'invalid_json' } }]);
});
