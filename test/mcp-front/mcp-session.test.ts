import { afterEach, describe, expect, test, vi } from 'vitest';
import { GreenroomError } from '../../src/errors.ts';
import { RpcFailure } from '../../src/mcp/rpc-failure.ts';
import { eventuallyTrue } from '../eventually.ts';
import { openSession } from './in-memory.ts';
import { META } from './opened.ts';

const SERVER_INFO = { 'io.modelcontextprotocol/serverInfo': { name: 'fake', version: '1' } };

afterEach(() => vi.useRealTimers());

describe('a legacy client', () => {
  test.each([
    ['2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-06-18'],
    ['2024-11-05', '2024-11-05'],
    ['2031-01-01', '2025-11-25'],
  ])('that asks for revision %s gets %s', async (asked, got) => {
    const { begin } = openSession();
    expect(await begin(asked)).toMatchObject({
      result: {
        protocolVersion: got,
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: 'fake', version: '1' },
      },
    });
  });

  test('is refused what it asks before it begins, but for a ping', async () => {
    const { ask, service } = openSession();
    expect((await ask('ping')).result).toEqual({});
    expect((await ask('tools/list')).error).toMatchObject({
      code: -32600,
      message: expect.stringContaining('initialize'),
    });
    expect((await ask('tools/call', { name: 'do' })).error.code).toBe(-32600);
    expect(service.calls).toEqual([]);
  });

  test('begins once, and says by which revision', async () => {
    const { ask, begin } = openSession();
    expect((await ask('initialize', { capabilities: {} })).error.code).toBe(-32602);
    await begin();
    expect((await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {} })).error.code).toBe(-32600);
  });

  test('gets the tools as they are, in one page', async () => {
    const { ask, begin, service } = openSession();
    const tool = { name: 'do', inputSchema: { type: 'object' }, 'x-unknown': [1n] };
    service.list = async () => [tool];
    await begin();
    expect((await ask('tools/list')).result).toEqual({ tools: [tool] });
    expect((await ask('tools/list', { cursor: '2' })).error.code).toBe(-32602);
  });

  test('calls a tool, which learns who asks and nothing of the token', async () => {
    const { ask, begin, service } = openSession();
    const result = { content: [{ type: 'of-tomorrow', x: 1 }], structuredContent: 7, isError: true };
    service.call = async () => result;
    await begin();
    const params = { name: 'do', arguments: { a: 1 }, extra: true, _meta: { progressToken: 5, trace: 'x' } };
    expect((await ask('tools/call', params)).result).toEqual(result);
    expect(service.calls[0]?.params).toEqual({ name: 'do', arguments: { a: 1 }, extra: true, _meta: { trace: 'x' } });
    expect(service.calls[0]?.options.client).toBe('tester 2');
  });

  test.each([
    [{}, 'name'],
    [{ name: 7 }, 'name'],
    [{ name: 'do', arguments: [] }, 'arguments'],
  ])('is refused a call with %j', async (params, field) => {
    const { ask, begin, service } = openSession();
    await begin();
    expect((await ask('tools/call', params)).error).toMatchObject({
      code: -32602,
      message: expect.stringContaining(field),
    });
    expect(service.calls).toEqual([]);
  });

  test.each(['resources/list', 'server/discover', 'subscriptions/listen', 'nonsense'])(
    'is told that there is no %s',
    async (method) => {
      const { ask, begin } = openSession();
      await begin();
      expect((await ask(method)).error).toMatchObject({ code: -32601, message: expect.stringContaining(method) });
    },
  );

  test('sets a level of logs that there is', async () => {
    const { ask, begin } = openSession();
    await begin();
    expect((await ask('logging/setLevel', { level: 'warning' })).result).toEqual({});
    expect((await ask('logging/setLevel', { level: 'loud' })).error.code).toBe(-32602);
  });

  test('is told of changes once it has begun, and of none when it has gone', async () => {
    const { ask, say, session, service, told } = openSession();
    await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {} });
    service.change();
    expect(told()).toEqual([]);
    say({ method: 'notifications/initialized' });
    service.change();
    expect(told()).toEqual(['notifications/tools/list_changed']);
    session.close();
    expect(service.listeners.size).toBe(0);
  });

  test('gets the answer of a server to what else it asks, errors as they are', async () => {
    const { ask, begin, service } = openSession();
    service.request = async (method, params) => {
      if (method === 'prompts/get') throw new RpcFailure(-31_000, 'no such prompt', { near: ['a'] });
      return { method, params };
    };
    await begin();
    expect((await ask('resources/read', { uri: 'x:y' })).result).toEqual({
      method: 'resources/read',
      params: { uri: 'x:y' },
    });
    expect((await ask('prompts/get')).error).toEqual({
      code: -31_000,
      message: 'no such prompt',
      data: { near: ['a'] },
    });
    expect((await ask('resources/subscribe', { uri: 'x:y' })).error.code).toBe(-32601);
  });
});

describe('a modern client', () => {
  test('finds out what there is', async () => {
    const { askModern } = openSession();
    expect((await askModern('server/discover')).result).toEqual({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: { listChanged: true } },
      ttlMs: 0,
      cacheScope: 'private',
      _meta: SERVER_INFO,
    });
  });

  test('gets tools and results without having begun', async () => {
    const { askModern, service } = openSession();
    service.call = async () => ({ content: [], _meta: { own: 1 } });
    expect((await askModern('tools/list')).result).toMatchObject({
      resultType: 'complete',
      ttlMs: 0,
      _meta: SERVER_INFO,
    });
    expect((await askModern('tools/call', { name: 'do' })).result).toEqual({
      resultType: 'complete',
      content: [],
      _meta: { ...SERVER_INFO, own: 1 },
    });
    const able = { 'io.modelcontextprotocol/clientCapabilities': {} };
    expect(service.calls[0]?.params).toEqual({ name: 'do', _meta: able });
    expect(service.calls[0]?.options.client).toBe('test 1');
  });

  test.each(['initialize', 'ping', 'resources/list'])('is told that there is no %s', async (method) => {
    const { askModern } = openSession();
    expect((await askModern(method)).error.code).toBe(-32601);
  });

  test('is refused without its capabilities, and by a revision that is not spoken', async () => {
    const { ask } = openSession();
    const version = 'io.modelcontextprotocol/protocolVersion';
    const capabilities = 'io.modelcontextprotocol/clientCapabilities';
    expect((await ask('tools/list', { _meta: { [version]: '2026-07-28' } })).error).toMatchObject({
      code: -32602,
      message: expect.stringContaining(capabilities),
    });
    expect((await ask('tools/list', { _meta: { ...META, [version]: '2027-01-01' } })).error).toMatchObject({
      code: -32022,
      data: { supported: ['2026-07-28'], requested: '2027-01-01' },
    });
  });

  test('is told of changes that it subscribed to, until the server ends that in good order', async () => {
    const { say, session, service, sent, answerTo } = openSession();
    const notifications = { toolsListChanged: true, promptsListChanged: true };
    say({ id: 'sub', method: 'subscriptions/listen', params: { notifications, _meta: META } });
    await eventuallyTrue(() => sent.length === 1);
    const stamp = { 'io.modelcontextprotocol/subscriptionId': 'sub' };
    expect(sent[0]?.message).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true }, _meta: stamp },
    });
    service.change();
    expect(sent[1]).toMatchObject({
      about: 'sub',
      message: { method: 'notifications/tools/list_changed', params: { _meta: stamp } },
    });
    session.finish();
    expect((await answerTo('sub')).result).toMatchObject({ resultType: 'complete', _meta: stamp });
    expect(service.listeners.size).toBe(0);
  });

  test('ends its subscription by cancelling it', async () => {
    const { say, service, sent, dropped } = openSession();
    say({ id: 1, method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true }, _meta: META } });
    await eventuallyTrue(() => service.listeners.size === 1);
    say({ method: 'notifications/cancelled', params: { requestId: 1 } });
    await eventuallyTrue(() => dropped.length === 1);
    expect(service.listeners.size).toBe(0);
    expect(sent).toHaveLength(1);
  });

  test('is answered at once where it subscribes to nothing that is told', async () => {
    const { askModern } = openSession();
    expect((await askModern('subscriptions/listen', { notifications: {} })).result.resultType).toBe('complete');
    expect((await askModern('subscriptions/listen')).error.code).toBe(-32602);
  });
});

describe('a call', () => {
  test('tells its progress with the token of its client, in order and before the result', async () => {
    const { ask, begin, service, sent } = openSession();
    service.call = async (_params, { onProgress }) => {
      for (const progress of [1, 2, 3]) onProgress?.({ progress, total: 3 });
      return { content: [] };
    };
    await begin();
    await ask('tools/call', { name: 'do', _meta: { progressToken: 'mine' } });
    expect(sent.slice(1).map(({ message }) => message.params ?? 'result')).toEqual([
      ...[1, 2, 3].map((progress) => ({ progress, total: 3, progressToken: 'mine' })),
      'result',
    ]);
  });

  test('has no progress where its client gave no token', async () => {
    const { ask, begin, service } = openSession();
    await begin();
    await ask('tools/call', { name: 'do' });
    expect(service.calls[0]?.options.onProgress).toBeUndefined();
  });

  test('is cancelled, and then not answered, nor told of', async () => {
    const { say, begin, service, sent, dropped } = openSession();
    let tell = (): void => {};
    service.call = (_params, { signal, onProgress }) =>
      new Promise((_, reject) => {
        tell = () => onProgress?.({ progress: 1 });
        signal.addEventListener('abort', () => reject(new Error('stopped')));
      });
    await begin();
    say({ id: 'c', method: 'tools/call', params: { name: 'do', _meta: { progressToken: 1 } } });
    await eventuallyTrue(() => service.calls.length === 1);
    const { length } = sent;
    say({ method: 'notifications/cancelled', params: { requestId: 'c', reason: 'no longer wanted' } });
    expect(String(service.calls[0]?.options.signal.reason)).toContain('no longer wanted');
    tell();
    await eventuallyTrue(() => dropped.length === 1);
    expect(dropped).toEqual(['c']);
    expect(sent).toHaveLength(length);
  });

  test('is cancelled with all others when the client has gone', async () => {
    const { say, begin, service, session, sent } = openSession();
    service.call = (_params, { signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve({ content: [] })));
    await begin();
    for (const id of [11, 12]) say({ id, method: 'tools/call', params: { name: 'do' } });
    await eventuallyTrue(() => service.calls.length === 2);
    const { length } = sent;
    session.close();
    expect(service.calls.map(({ options }) => options.signal.aborted)).toEqual([true, true]);
    await Promise.resolve();
    expect(sent).toHaveLength(length);
  });

  test('is refused where another one of its id runs', async () => {
    const { say, begin, service, sent } = openSession();
    service.call = () => new Promise(() => {});
    await begin();
    for (let time = 0; time < 2; time += 1) say({ id: 'same', method: 'tools/call', params: { name: 'do' } });
    await eventuallyTrue(() => sent.some(({ message }) => message.id === 'same'));
    expect(sent.at(-1)?.message.error).toMatchObject({ code: -32600 });
    expect(service.calls).toHaveLength(1);
  });
});

describe('what fails', () => {
  test('is told with its code where it is an error of Greenroom', async () => {
    const { ask, begin, service, errors } = openSession();
    service.list = async () => {
      throw new GreenroomError('E_DISABLED', '"a" is disabled.', { plugin: 'a' });
    };
    await begin();
    expect((await ask('tools/list')).error).toEqual({
      code: -32603,
      message: '"a" is disabled.',
      data: { code: 'E_DISABLED', plugin: 'a' },
    });
    expect(errors).toEqual([]);
  });

  test('is noted where it is a fault of ours, and nothing of it told', async () => {
    const { ask, begin, service, errors } = openSession();
    const bug = new TypeError('/secret/path is not a function');
    service.call = async () => {
      throw bug;
    };
    await begin();
    expect(JSON.stringify((await ask('tools/call', { name: 'do' })).error)).not.toContain('secret');
    expect(errors).toEqual([bug]);
  });
});
