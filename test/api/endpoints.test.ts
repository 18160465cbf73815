import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { z } from 'zod';
import { REMOTE_STATUSES, STATUSES } from '../../src/api/problem.ts';
import {
  allStatsSchema,
  configSchema,
  explanationSchema,
  jsonSchemaSchema,
  logSchema,
  manifestSchema,
  pluginSchema,
  pluginsSchema,
  problemSchema,
  problemsSchema,
  statsSchema,
  statusSchema,
  ticketSchema,
  toolsSchema,
} from '../../src/api/schemas.ts';
import { ERROR_CODES, GreenroomError } from '../../src/errors.ts';
import { eventuallyTrue } from '../eventually.ts';
import { fetchText } from '../server/served.ts';
import { type Loose, type OpenedApi, openApi, TOKEN } from './opened.ts';

const WORKBENCH = { workbench: { fixture: 'workbench' } };

async function fits(api: OpenedApi, schema: z.ZodType, method: string, path: string, body?: unknown): Promise<Loose> {
  const { status, value, headers } = await api.ask(method, path, body === undefined ? {} : { body });
  expect([path, status, headers['content-type']]).toEqual([path, 200, 'application/json']);
  const { error } = schema.safeParse(value);
  expect([path, error?.issues]).toEqual([path, undefined]);
  return value;
}

it('every endpoint answers what its schema says, for a plugin that runs, has run, and has not', async () => {
  const api = await openApi({ ...WORKBENCH, idle: { fixture: 'workbench' } });
  writeFileSync(join(api.plugins, 'broken.json'), '{');
  const at = (what: string, name = 'workbench'): string => `/api/plugins/${name}${what}`;
  await fits(api, pluginSchema, 'POST', at('/load'), {});
  for (const name of ['workbench', 'idle']) {
    await fits(api, pluginSchema, 'GET', at('', name));
    await fits(api, manifestSchema, 'GET', at('/manifest', name));
    await fits(api, explanationSchema, 'GET', at('/explain', name));
    await fits(api, logSchema, 'GET', at('/logs?lines=5', name));
  }
  await fits(api, statsSchema, 'GET', at('/stats'));
  await fits(api, toolsSchema, 'GET', at('/tools'));
  await fits(api, configSchema, 'GET', at('/config'));
  await fits(api, jsonSchemaSchema, 'GET', at('/config-schema'));
  expect((await fits(api, configSchema, 'PUT', at('/config'), { config: { a: [1] } })).config).toEqual({ a: [1] });
  expect((await fits(api, pluginSchema, 'POST', at('/disable'))).enabled).toBe(false);
  expect((await fits(api, pluginSchema, 'POST', at('/enable'), {})).enabled).toBe(true);
  const { generation } = await fits(api, pluginSchema, 'POST', at('/reload'), { config: { b: 2 } });
  expect(generation).toBe(2);
  await fits(api, pluginSchema, 'POST', at('/cancel'));
  await fits(api, pluginSchema, 'POST', at('/release'));
  expect((await fits(api, pluginSchema, 'POST', at('/unload'))).loaded).toBe(false);
  await fits(api, pluginsSchema, 'GET', '/api/plugins');
  const { plugins } = await fits(api, pluginsSchema, 'GET', '/api/plugins?loaded=true&category=tools&enabled=true');
  expect(plugins).toEqual([]);
  await fits(api, pluginsSchema, 'POST', '/api/discover');
  const { problems } = await fits(api, problemsSchema, 'GET', '/api/problems');
  expect(problems).toHaveLength(1);
  await fits(api, statusSchema, 'GET', '/api/status');
  await fits(api, allStatsSchema, 'GET', '/api/stats');
  await fits(api, ticketSchema, 'POST', '/api/tickets');
  expect(await api.ask('POST', '/api/stop')).toMatchObject({ status: 204 });
  expect(api.stops()).toBe(1);
  expect(api.errors).toEqual([]);
});

it('what is asked wrongly is refused with what is wrong', async () => {
  const api = await openApi(WORKBENCH);
  const problem = async (method: string, path: string, given = {}): Promise<[number, string]> => {
    const { status, value, headers } = await api.ask(method, path, given);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(problemSchema.parse(value)).toMatchObject({ status });
    return [status, value.detail as string];
  };
  const text = { body: '{}', headers: { 'content-type': 'text/plain' } };
  const cases: [number, RegExp, string, string, object?][] = [
    [400, /parameter.*"?colour"?/i, 'GET', '/api/plugins?colour=red'],
    [400, /loaded/, 'GET', '/api/plugins?loaded=yes'],
    [400, /twice/, 'GET', '/api/plugins?loaded=true&loaded=true'],
    [400, /lines/, 'GET', '/api/plugins/workbench/logs?lines=x'],
    [400, /application\/json, got "text\/plain"/, 'POST', '/api/plugins/workbench/load', text],
    [400, /application\/json, got no content type/, 'POST', '/api/plugins/workbench/load', { body: '{}' }],
    [
      400,
      /not JSON/,
      'POST',
      '/api/plugins/workbench/load',
      { ...text, headers: { 'content-type': 'application/json' }, body: '{"a":' },
    ],
    [400, /field/, 'POST', '/api/plugins/workbench/load', { body: { konfig: 1 } }],
    [400, /field|object/, 'POST', '/api/plugins/workbench/unload', { body: [1] }],
    [400, /timeoutMs/, 'POST', '/api/plugins/workbench/tools/execute?timeoutMs=soon', { body: {} }],
    [400, /timeoutMs/, 'POST', '/api/plugins/workbench/tools/execute?timeoutMs=0', { body: {} }],
    [404, /nothing at/, 'GET', '/api/nothing'],
    [404, /nothing at/, 'GET', '/api'],
    [405, /POST/, 'GET', '/api/plugins/workbench/load'],
    [404, /Did you mean "workbench"/, 'GET', '/api/plugins/workbensh'],
    [404, /no plugin/, 'POST', '/api/plugins/a%2F..%2Fb/tools/execute', { body: {} }],
    [401, /Bearer TOKEN/, 'GET', '/api/plugins', { headers: { authorization: '' } }],
  ];
  for (const [status, detail, method, path, given] of cases) {
    // A path with hidden dot segments is refused at the door.
    const expected = path.includes('..') ? [400, expect.anything()] : [status, expect.stringMatching(detail)];
    expect([path, ...(await problem(method, path, given))]).toEqual([path, ...expected]);
  }
  expect(api.snapshot('workbench').loaded).toBe(false);
});

describe('an error', () => {
  const codes = Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[];

  it.each(codes)('%s has its status, and is told as problem details', async (code) => {
    const api = await openApi(WORKBENCH);
    const make = GreenroomError as unknown as new (...given: unknown[]) => Error;
    vi.spyOn(api.supervisor, 'execute').mockRejectedValue(
      new make(code, 'It failed.', { plugin: 'workbench', details: { bytes: Buffer.from('abc'), big: 2n ** 70n } }),
    );
    const { status, value, headers } = await api.call('workbench', {});
    expect(headers['content-type']).toBe('application/problem+json');
    expect(status).toBe(STATUSES[code]);
    expect(value).toEqual({
      type: `urn:greenroom:${code}`,
      title: ERROR_CODES[code],
      status,
      detail: 'It failed.',
      code,
      plugin: 'workbench',
      details: { bytes: 'YWJj', big: 2n ** 70n },
    });
    if (status === 429) expect(headers['retry-after']).toBe('1');
  });

  it('of real plugins has the status of its kind', async () => {
    const api = await openApi({
      ...WORKBENCH,
      wrong: { worker: 'node', module: join(import.meta.dirname, '../fixtures/plugins/wrong/throws.mjs') },
      off: { fixture: 'workbench' },
    });
    await api.ask('POST', '/api/plugins/off/disable');
    const seen = async (plugin: string, input: unknown, tool?: string): Promise<unknown[]> => {
      const { status, value } = await api.call(plugin, input, tool);
      return [status, value.code];
    };
    expect(await seen('off', {})).toEqual([409, 'E_DISABLED']);
    expect(await seen('wrong', {})).toEqual([502, 'E_START']);
    expect(await seen('workbench', {}, 'nothing')).toEqual([422, 'E_INPUT']);
    expect(await seen('workbench', { do: 'exit', code: 1 })).toEqual([502, 'E_CRASHED']);
    expect(await seen('workbench', { do: 'odd', kind: 'cycle' })).toEqual([422, 'E_SERIALIZE']);
    const { value } = await api.call('workbench', { do: 'fail' });
    expect(value).toMatchObject({
      status: REMOTE_STATUSES.input,
      code: 'E_REMOTE',
      remote: { type: 'RangeError', message: 'out of range', category: 'input', details: { limit: 3 } },
    });
    const path = '/api/plugins/workbench/tools/execute?timeoutMs=20';
    const late = await api.ask('POST', path, { body: { do: 'wait', for: join(api.scratch, 'never') } });
    expect([late.status, late.value.code]).toEqual([504, 'E_TIMEOUT']);
    await api.supervisor.stop();
    const stopping = await api.call('workbench', {});
    expect([stopping.status, stopping.value.code, stopping.headers['retry-after']]).toEqual([503, 'E_STOPPING', '2']);
  });

  it('that nobody foresaw is written down, and its answer tells nothing of it', async () => {
    const api = await openApi(WORKBENCH);
    const secret = new TypeError('a path of the machine');
    vi.spyOn(api.supervisor, 'execute').mockRejectedValue(secret);
    const { status, bytes } = await api.call('workbench', {});
    expect(status).toBe(500);
    expect(bytes.toString()).not.toContain('path of the machine');
    expect(api.errors).toEqual([secret]);
  });
});

it('HEAD is answered as GET, without the body, also where that would go on for ever', async () => {
  const api = await openApi(WORKBENCH);
  for (const [path, expected] of [
    ['/plugins', 200],
    ['/status', 200],
    ['/events', 200],
    ['/plugins/workbench/logs?follow=true', 200],
    ['/plugins/nothing', 404],
    ['/discover', 405],
  ] as const) {
    const asked = { method: 'HEAD', headers: { authorization: `Bearer ${TOKEN}` } };
    const { status, body } = await fetchText({ port: api.port }, `/api${path}`, asked);
    expect([path, status, body]).toEqual([path, expected, '']);
  }
});

it('the log of a plugin is followed, and its reader hears when it ends', async () => {
  const api = await openApi(WORKBENCH);
  await api.call('workbench', { do: 'say', text: 'first' });
  const log = await api.events('GET', '/api/plugins/workbench/logs?follow=true&lines=100');
  await eventuallyTrue(() => log.told.some(({ data }) => String(data).includes('first')));
  await api.call('workbench', { do: 'say', text: 'second' });
  await eventuallyTrue(() => log.told.some(({ data }) => String(data).includes('second')));
  expect(new Set(log.names)).toEqual(new Set(['line']));
  const unknown = await api.ask('GET', '/api/plugins/nothing/logs?follow=true');
  expect(unknown.status).toBe(404);
  log.response.destroy();
  const left = await api.events('GET', '/api/plugins/workbench/logs?follow=true');
  await api.supervisor.stop();
  onTestFinished(() => void left.response.destroy());
  await left.ended;
});
