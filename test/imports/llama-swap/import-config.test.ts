import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { KEYS } from '../../../src/imports/llama-swap/keys.ts';
import { parseManifest } from '../../../src/manifest/schema.ts';
import { resolveSettings } from '../../../src/settings/resolve.ts';
import { fixture, importText, modelA, remarks } from './imported.ts';

const ENV = { TEST_MODELS: '/srv/models', HF_TOKEN: 'hf-secret' };

describe('a configuration with every key', () => {
  const everything = importText(fixture('everything.yaml'), ENV);

  test('becomes manifests and settings', () => {
    const files = { 'greenroom.json': everything.settings, ...Object.fromEntries(everything.manifests) };
    expect(files).toEqual(JSON.parse(fixture('everything.json')));
  });

  test('becomes valid manifests and settings, without warnings', () => {
    for (const manifest of everything.manifests.values())
      expect(parseManifest(manifest)).toMatchObject({ ok: true, warnings: [] });
    expect(() => resolveSettings(everything.settings, { env: {}, cwd: '/srv' })).not.toThrow();
  });

  test('has what is said of each key that is not mapped, in the order of the file', async () => {
    const told = everything.findings
      .filter(({ verdict }) => verdict !== 'mapped')
      .map(({ line, verdict, path, what }) => `${line} ${verdict} ${path.join(' › ')}: ${what}`);
    await expect(`${told.join('\n')}\n`).toMatchFileSnapshot('../../fixtures/llama-swap/everything.txt');
  });

  test('has every key of the table, but for those of other versions', () => {
    const others = ['groups.', 'matrix.'];
    const found = everything.findings.map(({ path }) => path.map((step) => (typeof step === 'number' ? '[]' : step)));
    const missing = KEYS.filter(({ key }) => {
      const steps = key.replaceAll('[]', '.[]').split('.');
      const fits = (path: readonly string[]): boolean =>
        // Of what is not written as a whole, or left out of a value, one finding is told for all of it.
        steps.every((step, index) => index >= path.length || step === '*' || step === path[index]);
      return !found.some((path) => (path.length > 1 || steps.length === 1) && fits(path));
    });
    expect(missing.map(({ key }) => key).filter((key) => !others.some((other) => key.startsWith(other)))).toEqual([]);
  });

  test('has no secret of the environment in a file', () => {
    const written = JSON.stringify([...everything.manifests.values(), everything.settings]);
    for (const secret of ['hf-secret', 'sk-peer']) expect(written).not.toContain(secret);
  });

  test('has the key of a peer under the name of its variable', () => {
    const peer = (apiKey: string) =>
      importText(`models: {}\npeers: { far: { proxy: "http://far", models: [m], apiKey: "${apiKey}" } }`);
    const headers = { authorization: 'Bearer ${env:FAR_KEY}', 'x-api-key': '${env:FAR_KEY}' };
    expect(peer('${env.FAR_KEY}').manifests.get('far-m')).toMatchObject({ headers });
    expect(peer('sk-1').manifests.get('far-m')).toMatchObject({ headers: { 'x-api-key': '${env:FAR_API_KEY}' } });
  });
});

test('the example of the documentation becomes what stands there', () => {
  const page = readFileSync(new URL('../../../docs/coming-from-llama-swap.md', import.meta.url), 'utf8');
  const [, config = ''] = /^```text\n(.*?)^```$/ms.exec(page) ?? [];
  const [, manifest = ''] = /^```json\n(.*?)^```$/ms.exec(page) ?? [];
  expect(importText(config).manifests.get('qwen')).toEqual(JSON.parse(manifest));
});

test('the table has every key of the schema of llama-swap', () => {
  const [, , ...keys] = fixture('schema-keys.txt').trim().split('\n');
  expect(keys.length).toBeGreaterThan(80);
  const known = new Set(KEYS.map(({ key }) => key));
  expect(keys.filter((key) => !known.has(key))).toEqual([]);
  // Beyond the schema: what the program reads as well, and aliases as newer versions have them.
  expect([...known].filter((key) => !keys.includes(key))).toEqual([
    'logRequests',
    'models.*.aliases[].id',
    'models.*.aliases[].name',
    'models.*.aliases[].unlisted',
    'models.*.filters.strip_params',
    'peers.*.timeouts.expectContinue',
  ]);
});

test('a key that is unknown is named with the one that was meant', () => {
  expect(modelA('cmd: "s ${PORT}", tttl: 5', 'globalTtl: 5').remarks).toEqual([
    'refused globalTtl: unknown key "globalTtl"; did you mean "globalTTL"? (ignored)',
    'refused models.a.tttl: unknown key "tttl"; did you mean "ttl"? (ignored)',
  ]);
});

test.each([
  ['is not YAML', 'models: [', 'line 1: Flow sequence'],
  ['has a key twice', 'models:\n  a: { cmd: x }\n  a: { cmd: y }', 'line 3: Map keys must be unique'],
  ['is a list', '- a', 'line 1: expected the keys of a configuration of llama-swap'],
  ['has no models', 'logLevel: info', 'line 1: models: missing; expected an object'],
  ['has a model without a command', 'models:\n  a:\n    name: A', 'line 2: models.a.cmd: missing; expected a string'],
  ['has a wrong type', 'models:\n  a:\n    cmd: x\n    ttl: soon', 'line 4: models.a.ttl: expected a whole number'],
  ['has a wrong word', 'logLevel: loud\nmodels: {}', 'line 1: logLevel: expected one of "debug"'],
  ['has an unknown macro', 'models:\n  a:\n    cmd: x ${no}', 'line 3: models.a.cmd: unknown macro ${no}.'],
  ['has a reserved macro', 'macros: { PORT: 1 }\nmodels: {}', 'line 1: macros.PORT: llama-swap sets this macro itself'],
  ['has a macro in itself', 'macros: { a: "${a}" }\nmodels: {}', 'line 1: macros.a: the macro contains itself'],
  ['has a list as a macro', 'macros: { a: [] }\nmodels: {}', 'line 1: macros.a: expected a string, a number or'],
  [
    'needs a variable',
    'models:\n  a:\n    cmd: x ${env.NO}',
    'line 3: models.a.cmd: the environment variable NO is not',
  ],
  ['has an alias twice', 'models:\n  a: { cmd: x }\n  b: { cmd: x, aliases: [a] }', '"a" is a name of "a" already'],
  [
    'has a large number',
    'models:\n  a: { cmd: x, metadata: { n: 9007199254740993 } }',
    'line 2: models.a.metadata.n: the',
  ],
  ['has no number', 'models:\n  a: { cmd: x, metadata: { n: .nan } }', 'expected a number that JSON can hold, got NaN'],
  ['has both spellings', 'models: {}\ngroups: { g: {} }\nrouting: { router: {} }', 'line 2: groups: unexpected beside'],
  ['has groups and a matrix', 'models: {}\ngroups: { g: {} }\nmatrix: {}', 'line 3: matrix: unexpected beside'],
])('a file that %s is refused, with the line', (_what, text, message) => {
  expect(() => importText(text)).toThrow(
    expect.objectContaining({ code: 'E_OPTIONS', message: expect.stringContaining(message) as string }),
  );
});

test('macros are replaced as llama-swap does', () => {
  const { manifests } = importText(
    [
      'macros: { one: 1, two: "${one}-${MODEL_ID}", flag: true }',
      'models:',
      '  a: { cmd: "s ${PORT} ${two}", macros: { one: 2, own: "${two}!" }, metadata: { x: ["${own}", "${flag}", "${one}"] } }',
      '  b: { cmd: "s ${PORT} ${two}" }',
    ].join('\n'),
  );
  expect(manifests.get('a')).toMatchObject({ args: ['{port}', '2-a'], metadata: { x: ['2-a!', true, 2] } });
  expect(manifests.get('b')).toMatchObject({ args: ['{port}', '1-b'] });
});

test('a variable of the environment stands where YAML has braces, and for a number', () => {
  const { manifests } = importText('models:\n  a: { cmd: "s ${PORT}", ttl: ${env.TTL}, aliases: [${env.NAME}] }\n', {
    TTL: '7',
    NAME: 'é "b" \\c',
  });
  expect(manifests.get('a')).toMatchObject({ models: ['a', 'é "b" \\c'], resources: { idle_release_ms: 7_000 } });
});

test('a priority of a model that is not there is named', () => {
  const routing = 'routing: { scheduler: { settings: { fifo: { priority: { a: 2, no: 1 } } } } }';
  const { manifest, remarks: told } = modelA('cmd: "s ${PORT}"', routing);
  expect(manifest).toMatchObject({ resources: { priority: 2 } });
  expect(told).toEqual(['refused routing.scheduler.settings.fifo.priority.no: there is no such model']);
});

describe('as many slots as llama-swap would run models together', () => {
  const slotsOf = (text: string): unknown => importText(text).settings['capacity'];

  test.each([
    ['of one group', fixture('old-groups.yaml'), 2],
    ['of a matrix', fixture('old-matrix.yaml'), 2],
    ['without either', fixture('old-groups.yaml').replace(/^groups:[^]*/m, ''), 1],
    ['of groups that leave others alone', fixture('old-groups.yaml').replace('exclusive: true', 'exclusive: false'), 3],
    ['of groups that stay', fixture('old-groups.yaml').replace('persistent: false', 'persistent: true'), 3],
    ['of members that replace each other', fixture('old-groups.yaml').replace('swap: false', 'swap: true'), 1],
    [
      'of the matrix of a router',
      `models: {}\nrouting: { router: { use: matrix, settings: { matrix: { sets: { s: a&b&c&a } } } } }`,
      3,
    ],
  ])('%s', (_what, text, slots) => {
    expect(slotsOf(text)).toEqual({ slots });
  });

  test.each(['a &', 'a b', '(a', '+no', '+bad', '| a', ')'])('a set "%s" that cannot be read is named', (set) => {
    const imported = importText(`models: {}\nmatrix: { sets: { bad: "${set}" } }`);
    expect(imported.settings['capacity']).toEqual({ slots: 1 });
    expect(remarks(imported)).toEqual([expect.stringContaining('refused matrix.sets.bad: the set cannot be read')]);
  });
});

test('members of a group that stays are pinned, unless they replace each other', () => {
  const text = fixture('old-groups.yaml').replace('persistent: false', 'persistent: true');
  expect(importText(text).manifests.get('a')).toMatchObject({ resources: { pin: true } });
  expect(importText(text).manifests.get('c')).not.toHaveProperty('resources');
  const swapping = importText(text.replace('swap: false', 'swap: true'));
  expect(swapping.manifests.get('a')).not.toHaveProperty('resources');
  expect(remarks(swapping)).toEqual([expect.stringContaining('noted groups.pair.persistent: the members replace')]);
});
