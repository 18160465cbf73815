// Longer than others because every kind of hint is one row of the schemas that are compared on each interpreter.

import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, describe, expect, it } from 'vitest';
import { type Tool, type ToolList, UNKNOWN_TOOL } from '../../src/protocol.ts';
import { eventually } from '../eventually.ts';
import { FIXTURES, framesOf, PACKAGE, PYTHON, PythonWorker, valueOf } from './worker.ts';

const running: PythonWorker[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()));
});

function start(className: string, concurrency = 1, flags: readonly string[] = [], module = 'toolbox'): PythonWorker {
  const worker = new PythonWorker({ module, class: className }, concurrency, flags);
  running.push(worker);
  return worker;
}

async function toolsOf(worker: PythonWorker): Promise<readonly Tool[]> {
  const { tools }: ToolList = JSON.parse((await worker.send('/tools')).text);
  return tools;
}

const execute = (worker: PythonWorker, tool: string, kwargs = {}, args: unknown[] = []) =>
  worker.send('/execute', { call: 'call', tool, args, kwargs });
const stream = (worker: PythonWorker, tool: string, kwargs = {}) =>
  worker.send('/execute_stream', { call: 'call', tool, args: [], kwargs });

const schema = (properties: object, required: readonly string[], more: object = {}) => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
  additionalProperties: false,
  ...more,
});
const NODE = {
  Node: {
    type: 'object',
    description: 'A tree.',
    properties: {
      value: { type: 'integer' },
      children: { type: 'array', items: { $ref: '#/$defs/Node' } },
      name: { type: 'string', default: 'leaf' },
    },
    required: ['value'],
  },
};
const JSON_VALUE = {
  anyOf: [
    { type: 'null' },
    { type: 'boolean' },
    { type: 'number' },
    { type: 'string' },
    { type: 'array', items: { $ref: '#/$defs/Json' } },
    { type: 'object', additionalProperties: { $ref: '#/$defs/Json' } },
  ],
};
const OPTIONS = {
  Options: {
    type: 'object',
    properties: { depth: { type: 'integer' }, label: { type: 'string', description: 'Its label' } },
  },
};
const OPEN = { type: 'object', properties: {}, additionalProperties: true };

const DESCRIBED: readonly Tool[] = [
  {
    name: 'scalars',
    input_schema: schema(
      {
        a: { type: 'string' },
        b: { type: 'integer' },
        c: { type: 'number' },
        d: { type: 'boolean' },
        e: { type: 'string', contentEncoding: 'base64' },
        f: { type: 'null' },
        g: {},
        h: { type: 'string' },
      },
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
    ),
    output_schema: { type: 'null' },
  },
  {
    name: 'containers',
    input_schema: schema(
      {
        a: { type: 'array', items: { type: 'integer' } },
        b: { type: 'object', additionalProperties: { type: 'number' } },
        c: { type: 'array', uniqueItems: true, items: { type: 'string' } },
        d: { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }], minItems: 2, maxItems: 2 },
        e: { type: 'array', items: { type: 'integer' } },
        f: { type: 'object' },
      },
      ['a', 'b', 'c', 'd', 'e', 'f'],
    ),
  },
  {
    name: 'choices',
    input_schema: schema(
      {
        a: { type: ['integer', 'null'] },
        b: { anyOf: [{ type: 'integer' }, { type: 'string' }, { type: 'array', items: { type: 'integer' } }] },
        c: { enum: ['x', 1, null] },
        d: { enum: ['fast', 'slow'] },
        e: { enum: ['x', null] },
        f: { anyOf: [{ $ref: '#/$defs/Access' }, { type: 'null' }] },
      },
      ['a', 'b', 'c', 'd', 'e', 'f'],
      { $defs: { Access: { type: 'integer', description: 'the sum of any of 4 (READ), 2 (WRITE)' } } },
    ),
    output_schema: { type: ['string', 'null'] },
  },
  {
    name: 'objects',
    input_schema: schema(
      {
        options: { $ref: '#/$defs/Options' },
        when: { type: 'string', format: 'date-time' },
        path: { type: 'string' },
      },
      ['options', 'when', 'path'],
      { $defs: OPTIONS },
    ),
    output_schema: { $ref: '#/$defs/Options', $defs: OPTIONS },
  },
  {
    name: 'recursive',
    input_schema: schema({ node: { $ref: '#/$defs/Node' }, value: { $ref: '#/$defs/Json' } }, ['node', 'value'], {
      $defs: { ...NODE, Json: JSON_VALUE },
    }),
    // A result has every field of a dataclass.
    output_schema: {
      $ref: '#/$defs/Node',
      $defs: {
        Node: {
          ...NODE.Node,
          properties: { ...NODE.Node.properties, name: { type: 'string' } },
          required: ['value', 'children', 'name'],
        },
      },
    },
  },
  {
    name: 'defaults',
    input_schema: schema(
      {
        a: { type: ['integer', 'null'], default: null },
        b: { type: 'string', default: 'b' },
        c: { type: 'object', default: { x: [1] } },
        d: { enum: ['fast', 'slow'] },
        e: { type: 'number' },
        f: { type: 'array' },
        g: { default: 1 },
      },
      [],
    ),
  },
  {
    name: 'documented',
    description: 'Reads a file to its end.',
    input_schema: schema(
      {
        path: { type: 'string', description: 'The file' },
        limit: { type: 'integer', description: 'How many lines: at most.', default: 3 },
        rest: { type: 'string', description: 'What else.', default: '' },
      },
      ['path'],
    ),
  },
  {
    name: 'open',
    input_schema: { ...schema({ a: { type: 'integer' } }, ['a']), additionalProperties: { type: 'string' } },
    read_only: true,
    idempotent: true,
    destructive: false,
  },
  {
    name: 'positional',
    input_schema: schema(
      { a: { type: 'integer' }, b: { type: 'integer', default: 2 }, c: { type: 'integer', default: 3 } },
      ['a'],
    ),
  },
  {
    name: 'unknown',
    input_schema: schema({ a: {}, b: {}, c: { type: 'integer' } }, ['a', 'b', 'c']),
  },
  { name: 'hidden', input_schema: OPEN },
  { name: 'partial', input_schema: OPEN },
  { name: 'static', input_schema: schema({ a: { type: 'integer' } }, ['a']), output_schema: { type: 'number' } },
  { name: 'other', input_schema: schema({ value: { description: 'a function' } }, ['value']) },
];

describe('the list of tools', () => {
  it('says what signatures, hints and docstrings say', async () => {
    const worker = start('Described');
    expect((await worker.ready).capabilities).toContain('tools');
    expect(await toolsOf(worker)).toEqual(DESCRIBED);
    const said = (): string[] => worker.errors.split('\n').filter((line) => line.startsWith('greenroom: '));
    // Standard error is read beside the answers.
    await eventually(() => expect(said()).toHaveLength(6));
    expect(said()).toEqual([
      "greenroom: the tool unknown of Described: any value is taken for the hint Unknown: name 'Unknown' is not defined",
      expect.stringContaining('the tool unknown of Described: any value is taken for the hint List[Unknown]'),
      expect.stringContaining('the tool unknown of Described: any value is taken for the hint Unknown'),
      expect.stringContaining('the tool hidden of Described: any arguments are taken'),
      expect.stringContaining('the tool partial of Described: any arguments are taken'),
      expect.stringContaining('the tool other of Described: any value is taken for the hint collections.abc.Callable'),
    ]);
  });

  it('has schemas that fit what the tools take', async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    for (const { name, input_schema } of await toolsOf(start('Described'))) {
      expect(ajv.validateSchema(input_schema ?? {}), name).toBe(true);
      expect(() => ajv.compile(input_schema ?? {}), name).not.toThrow();
    }
  });

  it('says the same in every Python, but for hints that an older one cannot evaluate', () => {
    const script = [
      'import json, sys',
      'sys.path[:0] = sys.argv[1:]',
      'import toolbox',
      'from greenroom_worker.tool_list import tool_list',
      'from greenroom_worker.tools import Tools',
      'plugins = [kind() for kind in (toolbox.Described, toolbox.Streaming, toolbox.Today, toolbox.Marked)]',
      'print(json.dumps([tool_list(plugin, Tools(plugin)) for plugin in plugins]))',
    ].join('\n');
    const listed = [PYTHON, 'python3.9', 'python3.10', 'python3.11', 'python3.12', 'python3.13', 'python3.14']
      .map((python) => spawnSync(python, ['-c', script, dirname(PACKAGE), FIXTURES], { encoding: 'utf8' }))
      .filter(({ error, stderr }) => error === undefined && !stderr.includes('command not found'));
    for (const { stdout, stderr } of listed) expect(stdout, stderr).toBe(listed[0]?.stdout);
    expect(JSON.parse(listed[0]?.stdout ?? '')[0].tools).toEqual(DESCRIBED);
  });

  it('takes any value where a hint is not one', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const any = Object.fromEntries(names.map((name) => [name, {}]));
    expect(await toolsOf(start('Odd'))).toEqual([
      { name: 'hints', input_schema: schema(any, names) },
      { name: 'circle', input_schema: schema({ a: { type: 'integer' } }, ['a']) },
    ]);
  });

  it('calls generators and iterators streams, and describes their items', async () => {
    const tools = await toolsOf(start('Streaming'));
    expect(tools.map(({ name, streams, output_schema }) => [name, streams, output_schema])).toEqual([
      ['execute', undefined, undefined],
      ['generator', true, undefined],
      ['wrapped', true, { type: 'integer' }],
      ['iterator', true, { type: 'string' }],
      ['asynchronous', true, { type: 'integer' }],
      ['iterable', true, { type: 'integer' }],
      ['annotated', true, { type: 'integer' }],
      ['plain', undefined, { type: 'array', items: { type: 'integer' } }],
    ]);
  });

  it('has execute alone for a plugin without tools, with the arguments of both its methods', async () => {
    expect(await toolsOf(start('Today'))).toEqual([
      {
        name: 'execute',
        description: 'Counts words.',
        // The default of `top` would be filled in for `execute_stream` too, which does not take it.
        input_schema: schema(
          { text: { type: 'string' }, top: { type: 'integer' }, order: { type: 'string', default: 'up' } },
          ['text'],
        ),
        output_schema: { type: 'string' },
        streams: true,
      },
    ]);
  });

  const hasPydantic = spawnSync(PYTHON, ['-c', 'import pydantic, typing_extensions']).status === 0;
  it.skipIf(!hasPydantic)('has the schemas of pydantic, with all definitions at the root', async () => {
    const [order] = await toolsOf(start('Shop', 1, [], 'pydantic_tools'));
    expect(order?.input_schema).toMatchObject({
      properties: {
        order: { $ref: '#/$defs/Order' },
        customer: { anyOf: [{ $ref: '#/$defs/Customer' }, { type: 'null' }], default: null },
        count: { type: 'integer', description: 'How many', default: 1 },
      },
      required: ['order'],
    });
    const ajv = new Ajv2020({ strict: false });
    const takes = ajv.compile(order?.input_schema ?? {});
    const given = { from: { name: 'a' }, parts: [{ from: { name: 'b' } }] };
    expect(takes({ order: given })).toBe(true);
    expect(takes({ order: { ...given, parts: [{ from: { name: 1 } }] } })).toBe(false);
    // The worker sends a model by the names of its fields.
    expect(ajv.compile(order?.output_schema ?? {})({ customer: { name: 'a' }, parts: [] })).toBe(true);
  });

  it.each([
    ['Text', 'it is not a tuple or list'],
    ['Functions', "it contains {'name': 'read'}"],
    ['Misspelled', "there is no method 'wriet'"],
  ])('leaves alone an attribute `tools` that declares none: %s', async (className, reason) => {
    const worker = start(className);
    expect((await toolsOf(worker)).map(({ name }) => name)).toEqual(['execute']);
    await eventually(() =>
      expect(worker.errors).toContain(`the attribute "tools" of ${className} is ignored, because ${reason}; `),
    );
  });

  it('does not look at an attribute `tools` of the instance', async () => {
    const worker = start('OnInstance');
    expect((await toolsOf(worker)).map(({ name }) => name)).toEqual(['execute']);
    expect(worker.errors).toBe('');
  });

  it('names the annotations that are not known', async () => {
    const worker = start('Misspelled');
    expect(await toolsOf(worker)).toEqual([{ name: 'execute', input_schema: schema({}, []) }]);
    await eventually(() =>
      expect(worker.errors).toContain(
        "execute: expected True or False for read_only, idempotent, destructive; got {'readonly': True}",
      ),
    );
    await eventually(() => expect(worker.errors).toContain("there is no tool 'read'; the tools are execute\n"));
  });

  it('imports neither typing nor inspect before it is asked for', async () => {
    // Without site, which imports what the packages of this machine ask for.
    const worker = start('Imports', 1, ['-S'], 'imports');
    expect(valueOf(await worker.execute(), 'result')).toEqual([]);
    expect((await toolsOf(worker)).length).toBe(1);
    expect(valueOf(await worker.execute(), 'result')).toContain('typing');
  });

  it('is made on the main thread, while call threads answer calls', async () => {
    const worker = start('Threads', 2);
    const listed = toolsOf(worker);
    await worker.printed(/evaluating/);
    await execute(worker, 'release');
    expect((await listed).map(({ name }) => name)).toEqual(['describe', 'release', 'wait']);
    expect(valueOf(await execute(worker, 'describe', { a: 1 }), 'result')).toEqual([true]);
  });

  it('is made once, and then told even while a call occupies the main thread', async () => {
    const worker = start('Threads');
    await execute(worker, 'release');
    const listed = await toolsOf(worker);
    const waiting = worker.send('/execute', { call: 'waits', tool: 'wait' });
    await worker.printed(/waiting/);
    expect(await toolsOf(worker)).toEqual(listed);
    await worker.send('control:/cancel', { call: 'waits' });
    expect(valueOf(await waiting, 'result')).toBe(null);
    expect(worker.output.match(/evaluating/g)).toHaveLength(1);
  });
});

describe('a call of a tool', () => {
  it('runs the method of that name', async () => {
    const worker = start('Described');
    expect(valueOf(await execute(worker, 'static', { a: 3 }), 'result')).toBe(1.5);
    expect(valueOf(await execute(worker, 'partial', { b: 2 }), 'result')).toBe(3);
    expect(valueOf(await execute(worker, 'hidden', { a: 'x' }), 'result')).toBe('x');
  });

  it('gets positional-only parameters by their names', async () => {
    const worker = start('Described');
    expect(valueOf(await execute(worker, 'positional', { a: 1, b: 5 }), 'result')).toEqual([1, 5, 3]);
    expect(valueOf(await execute(worker, 'positional', { c: 7 }, [9]), 'result')).toEqual([9, 2, 7]);
  });

  it('refuses arguments that do not fit its method as an input error, which names them', async () => {
    const worker = start('Described');
    const misfits: [string, string, object, unknown[]?][] = [
      ['needs a', 'positional', { b: 5 }],
      ['got 4 arguments by position and takes at most 3 by position (a, b, c)', 'positional', {}, [1, 2, 3, 4]],
      [
        'got 7 arguments by position and takes at most 6 by position (a, b, c, d, e, f); by name: g',
        'defaults',
        {},
        [1, 2, 3, 4, 5, 6, 7],
      ],
      ['got a twice, by position and by name', 'positional', { a: 1 }, [1]],
      ['got path twice, by position and by name', 'documented', { path: 'a' }, ['b']],
      ['takes no size; it takes path, limit, rest', 'documented', { path: 'a', size: 1 }],
      ['needs value', 'other', {}],
    ];
    for (const [misfit, tool, kwargs, args] of misfits) {
      const error = valueOf(await execute(worker, tool, kwargs, args), 'error');
      expect(error).toMatchObject({ type: 'InputError', category: 'input', message: `the tool '${tool}' ${misfit}` });
    }
  });

  it('leaves alone what the method raises itself', async () => {
    const error = valueOf(await execute(start('Described'), 'static', { a: 'x' }), 'error');
    expect(error).toMatchObject({ type: 'TypeError', category: 'fatal' });
  });

  it.each([
    ['generator', {}, [0, 1, 2]],
    ['wrapped', { count: 2 }, [0, 1]],
    ['iterator', {}, ['a', 'b']],
    ['asynchronous', {}, [1, 2]],
    ['iterable', {}, [1, 2]],
    ['annotated', {}, [1]],
  ])('streams, and gives all chunks as one result: %s', async (tool, kwargs, chunks) => {
    const worker = start('Streaming');
    const frames = [...chunks.map((chunk) => ({ chunk })), { end: true }];
    expect(framesOf(await stream(worker, tool, kwargs))).toEqual(frames);
    expect(valueOf(await execute(worker, tool, kwargs), 'result')).toEqual(chunks);
  });

  it.each([
    ['plain', [1, 2]],
    ['execute', 'executed'],
  ])('streams a result as one chunk: %s', async (tool, result) => {
    const worker = start('Streaming');
    expect(framesOf(await stream(worker, tool))).toEqual([{ chunk: result }, { end: true }]);
    expect(valueOf(await execute(worker, tool), 'result')).toEqual(result);
  });

  it('that does not exist is refused with the names of those that do', async () => {
    const worker = start('Misspelled');
    for (const route of ['/execute', '/execute_stream']) {
      const reply = await worker.send(route, { call: 'c', tool: 'read', args: [], kwargs: {} });
      expect(reply.status).toBe(400);
      expect(valueOf(reply, 'error')).toEqual({
        type: UNKNOWN_TOOL,
        category: 'input',
        retryable: false,
        message: 'There is no tool "read"; the tools are execute.',
      });
    }
    const reply = await worker.send('/execute', { call: 'c', tool: 1, args: [], kwargs: {} });
    expect(valueOf(reply, 'error')).toMatchObject({ type: 'BadRequest' });
  });

  it('needs no execute in the class, which is then found by its tools', async () => {
    const worker = start('Plugin', 1, [], 'only_tools');
    expect(valueOf(await execute(worker, 'double', { number: 4 }), 'result')).toBe(8);
    expect((await toolsOf(worker)).map(({ name }) => name)).toEqual(['double']);
    expect(valueOf(await worker.execute(), 'error')).toMatchObject({
      type: UNKNOWN_TOOL,
      message: 'There is no tool "execute"; the tools are double.',
    });
    const inferred = new PythonWorker({ module: 'only_tools' });
    running.push(inferred);
    expect(valueOf(await execute(inferred, 'double', { number: 5 }), 'result')).toBe(10);
  });
});

describe('a class with marked actions, as the older system has them', () => {
  it('has a tool for each, described by the marked method', async () => {
    const worker = start('Marked');
    expect(await toolsOf(worker)).toEqual([
      {
        name: 'execute',
        input_schema: { ...schema({ action: { type: 'string', default: 'none' } }, []), additionalProperties: true },
      },
      { name: 'info', input_schema: schema({}, []) },
      { name: 'list', input_schema: schema({}, []), output_schema: { type: 'string' }, streams: true },
      {
        name: 'separate',
        description: 'Separates a recording.',
        input_schema: schema({ path: { type: 'string' }, stems: { type: 'integer', default: 4 } }, ['path']),
        output_schema: { type: 'array', items: { type: 'string' } },
      },
    ]);
    await eventually(() => expect(worker.errors).toContain("the action 'not a name' of Marked is not a tool"));
  });

  it('is called by execute with the name of the action', async () => {
    const worker = start('Marked');
    expect(valueOf(await execute(worker, 'separate', { path: 'a' }), 'result')).toEqual(['separate', { path: 'a' }]);
    expect(framesOf(await stream(worker, 'info'))).toEqual([{ chunk: ['info', {}] }, { end: true }]);
    expect(valueOf(await worker.execute({ action: 'separate' }), 'result')).toEqual(['separate', {}]);
  });

  it('has no tools where execute takes no action', async () => {
    const worker = start('MarkedInVain');
    expect((await toolsOf(worker)).map(({ name }) => name)).toEqual(['execute']);
    await eventually(() =>
      expect(worker.errors).toContain("the action 'info' of MarkedInVain is not a tool: execute() takes no 'action'\n"),
    );
  });
});
