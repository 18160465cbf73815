import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Redactor } from '../../../src/inspector/redaction/redaction.ts';
import { concealConfig, secretsOfManifest, secretsOfVariables } from '../../../src/inspector/redaction/secrets.ts';
import { isSecretName } from '../../../src/text/secret-names.ts';

const CANARY = 'c4n4ry-5ecret';

describe('names', () => {
  it.each([
    'password',
    'PASSWORD',
    'dbPassword',
    'db_pass',
    'passwd',
    'secret',
    'clientSecret',
    'token',
    'hf_token',
    'HF_TOKEN',
    'accessToken',
    'authtoken',
    'apiKey',
    'api-key',
    'API_KEY',
    'apikey',
    'authorization',
    'Cookie',
    'privateKey',
    'aws_secret_access_key',
    'credentials',
    '--api-key',
    'bearer',
    'connectionString',
    'x-api-key',
  ])('such as %s look secret', (name) => expect(isSecretName(name)).toBe(true));

  it.each(['author', 'key', 'keyboard', 'pass_env', 'compass', 'name', 'authored', 'pinned', 'monkey', 'session'])(
    'such as %s do not',
    (name) => expect(isSecretName(name)).toBe(false),
  );
});

describe('redaction', () => {
  it.each([
    ['the value of a secret-looking key', { apiKey: CANARY }],
    ['one deep inside', { a: [{ b: { Password: CANARY } }] }],
    ['a number under one', { pin: 48_151_623 }],
    ['a whole object under one', { credentials: { user: 'me', value: CANARY } }],
    ['the password in a URL', { url: `postgres://me:${CANARY}@db/x` }],
    ['the user of a URL, who may be a token', `see https://${CANARY}@github.com/a/b.git for more`],
    ['the query of a URL', `https://h/x?a=1&access_token=${CANARY}&b=2`],
    ['the argument after a flag', ['run', '--api-key', CANARY, '--verbose']],
    ['the argument of a flag', ['run', `--api-key=${CANARY}`]],
    ['a flag in a text', `Command failed: tool --verbose --password ${CANARY} x`],
    ['a quoted one', `tool --password "${CANARY} and more" x`],
    ['a header in a text', `Authorization: Bearer ${CANARY}`],
    ['a bearer by itself', `sent Bearer ${CANARY} to it`],
    ['JSON in a text', `config is {"name":"x","api_key":"${CANARY}"}`],
    ['JSON in JSON in a text', JSON.stringify(JSON.stringify({ api_key: CANARY }))],
    ['what follows another name', `Error: password=${CANARY}`],
    ['a variable in a text', `HF_TOKEN=${CANARY}`],
    ['an error', new Error(`no: token=${CANARY}`, { cause: new Error(`secret: ${CANARY}`) })],
    ['the environment', { env: { HARMLESS: CANARY }, env_vars: { X: CANARY }, hostEnv: { Y: CANARY } }],
    ['what a getter would give', Object.defineProperty({}, 'x', { enumerable: true, get: () => CANARY })],
    [
      'what a class holds',
      new (class Vault {
        open = CANARY;
      })(),
    ],
    ['maps, sets and bytes', [new Map([['x', CANARY]]), new Set([CANARY]), Buffer.from(CANARY)]],
  ])('hides %s', (_what, value) => {
    const shown = JSON.stringify(new Redactor().json(value));
    expect(shown).not.toContain(CANARY);
    expect(shown).not.toContain('48151623');
  });

  it('hides a declared value wherever it stands and however it is written', () => {
    const redactor = new Redactor();
    const secret = 'a"b/c d+e?';
    redactor.learn([secret, 'a"b']);
    for (const text of [`x${secret}y`, `x${encodeURIComponent(secret)}y`, JSON.stringify({ x: secret })]) {
      expect(redactor.text(text)).not.toMatch(/c d\+e|c%20d/);
    }
    expect(redactor.json({ [secret]: 1 })).toEqual({ '[redacted]': 1 });
  });

  it('keeps what is no secret as it is', () => {
    const plain = {
      name: 'whisper',
      max_tokens: 512,
      tokens: 3,
      passEnv: ['HF_*'],
      ok: true,
      nothing: null,
      hasPassword: false,
      text: 'see https://unpkg.com/@scope/pkg@1.2.3?x=1 at 12:30, ratio 3:4',
      list: [1, 'two', ['--verbose', 'x']],
      author: 'Ada',
      limit: 0.5,
    };
    expect(new Redactor().json(plain)).toEqual(plain);
  });

  it('cuts what is long, deep or wide, and goes round in no circle', () => {
    const circle: Record<string, unknown> = { big: 1n, f: () => {}, inf: Infinity };
    circle['self'] = circle;
    const deep = Array.from({ length: 100 }).reduce<unknown>((inner) => ({ inner }), 'x');
    const wide = Array.from({ length: 100_000 }, (_, index) => index);
    const shown = new Redactor().json({ circle, deep, wide, long: 'x'.repeat(1_000_000) });
    expect(JSON.stringify(shown).length).toBeLessThan(40_000);
    expect(shown).toMatchObject({ circle: { self: '[circular]', big: '1', f: '[function]', inf: null } });
  });

  it('shows a bigint as its digits, and bytes as how many they are', () => {
    const shown = new Redactor().json({
      id: 2n ** 64n,
      max_tokens: 2n ** 64n,
      password: 2n ** 64n,
      audio: Buffer.alloc(8 * 1024 * 1024),
      parts: [new ArrayBuffer(1), new Uint8Array(64 * 1024)],
    });
    expect(shown).toEqual({
      id: '18446744073709551616',
      max_tokens: '18446744073709551616',
      password: '[redacted]',
      audio: '[8 MiB of bytes]',
      parts: ['[1 byte]', '[64 KiB of bytes]'],
    });
    const redactor = new Redactor();
    redactor.learn(concealConfig({ password: 2n ** 64n }, undefined).secrets);
    expect(redactor.text('got 18446744073709551616')).toBe('got [redacted]');
  });

  it('makes JSON of anything without a throw', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withProxy: true } as object),
        (value) => {
          JSON.parse(JSON.stringify(new Redactor().json(value)));
        },
      ),
    );
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no');
        },
      },
    );
    expect(new Redactor().json({ hostile })).toEqual({ hostile: '[unreadable]' });
  });

  it('takes time in proportion to the text', () => {
    // These end at once, or not within the time of a test.
    for (const part of ['a:', 'a="', "password='", 'http://', '--token ', 'a.b-c_', '\\\\', 'Bearer '])
      new Redactor().text(part.repeat(60_000 / part.length));
  });
});

describe('what is declared secret', () => {
  it('is found in a config by its schema, through references, and by its names', () => {
    const schema = {
      properties: {
        greeting: { type: 'string', writeOnly: true },
        door: { $ref: '#/$defs/door' },
        list: { items: { properties: { code: { format: 'password' } } } },
      },
      $defs: { door: { properties: { combination: { allOf: [{ writeOnly: true }] } } } },
    };
    const given = {
      greeting: 'open sesame',
      door: { combination: 1234, colour: 'red' },
      list: [{ code: 'abcd' }],
      apiKey: 'k3y-k3y',
    };
    const { config, secrets } = concealConfig(given, schema);
    expect(config).toEqual({
      greeting: '[redacted]',
      door: { combination: '[redacted]', colour: 'red' },
      list: [{ code: '[redacted]' }],
      apiKey: '[redacted]',
    });
    expect(secrets).toEqual(['open sesame', '1234', 'abcd', 'k3y-k3y']);
  });

  it('is found in a manifest: its variables, its arguments, and the defaults of its config', () => {
    const secrets = secretsOfManifest({
      name: 'x',
      worker: 'command',
      env_vars: { API_TOKEN: 'from-variable', HOME: '/home' },
      args: ['--password', 'from-next', '--secret=from-same', '--mode', 'fast'],
      config_schema: { properties: { key: { writeOnly: true, default: 'from-default' }, self: { $ref: '#' } } },
    });
    expect(secrets).toEqual(['from-variable', 'from-next', 'from-same', 'from-default']);
  });
});

it('takes the working directory of a shell for no password', () => {
  expect(secretsOfVariables({ PWD: '/home/ada', OLDPWD: '/home', DB_PWD: 'opensesame' })).toEqual(['opensesame']);
});
