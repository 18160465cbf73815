import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

test('installing the package runs nothing, of which npm would warn', () => {
  for (const script of ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'])
    expect(scripts).not.toHaveProperty(script);
});

test('a clone is built by npm ci, and a package before it is packed', () => {
  // npm runs `dependencies` of the project itself alone, and for a dependency from git in its clone.
  expect(scripts).toMatchObject({ dependencies: scripts['prepack'], prepack: 'npm run build' });
});
