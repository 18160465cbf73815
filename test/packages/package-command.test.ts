import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packageCommand } from '../../src/packages/package-command.ts';

const npx = (...args: string[]) => packageCommand('npx', args);
const uvx = (...args: string[]) => packageCommand('uvx', args);

test.each([
  ['npx', ['foo'], 'foo', ['foo'], []],
  ['npx', ['-y', 'foo', '.'], 'foo', ['-y', 'foo'], ['.']],
  ['/usr/bin/npx', ['--yes', '@a/b@1.2', '--port', '1'], '@a/b@1.2', ['--yes', '@a/b@1.2'], ['--port', '1']],
  ['npx', ['-y', '--', 'foo', '-y'], 'foo', ['-y', '--', 'foo'], ['-y']],
  ['npx', ['-q', '-p', 'pack@2', 'bin', 'x'], 'pack@2', ['-q', '-p', 'pack@2', 'bin'], ['x']],
  ['npx', ['--package=pack', '--', 'bin'], 'pack', ['--package=pack', '--', 'bin'], []],
  ['npx', ['-y', 'file:/a b/c.tgz'], 'file:/a b/c.tgz', ['-y', 'file:/a b/c.tgz'], []],
  ['uvx', ['foo', '--x'], 'foo', ['foo'], ['--x']],
  ['uvx', ['foo@1.2.3'], 'foo==1.2.3', ['foo@1.2.3'], []],
  ['uvx', ['foo[cli]@1.2'], 'foo[cli]==1.2', ['foo[cli]@1.2'], []],
  [
    'uvx',
    ['--from', 'git+https://h/r@main', 'foo'],
    'git+https://h/r@main',
    ['--from', 'git+https://h/r@main', 'foo'],
    [],
  ],
  ['uvx', ['--from=foo>=1', 'bar', 'x'], 'foo>=1', ['--from=foo>=1', 'bar'], ['x']],
])('%s %j runs a program of %s', (file, all, spec, args, programArgs) => {
  const runner = file.endsWith('npx') ? 'npx' : 'uvx';
  expect(packageCommand(file, all)).toEqual({ runner, spec, args, programArgs });
});

test.each([
  ['another program', packageCommand('node', ['npx', 'foo'])],
  ['npx alone', npx()],
  ['npx with options alone', npx('-y')],
  ['npx with a package and no program', npx('-y', '-p', 'pack')],
  ['an option without its value', npx('-p')],
  ['an empty package', npx('--package=', 'bin')],
  ['an empty program', npx('')],
  ['two packages', npx('-p', 'a', '-p', 'b', 'bin')],
  ['a script', npx('-c', 'foo | bar')],
  ['an option that nobody knows here', npx('--registry', 'http://r', 'foo')],
  ['options of uvx that change what is installed', uvx('--with', 'x', 'foo')],
  ['the newest version at each start', uvx('foo@latest')],
  ['-- of uvx', uvx('--', 'foo')],
])('%s is run as it is', (_what, command) => {
  expect(command).toBeUndefined();
});

test('whatever the arguments, those of the runner and of the program are all of them, in order', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '-y',
      '--yes',
      '-q',
      '-p',
      '--package',
      '--package=a',
      '--from',
      '--from=a',
      '--',
      '-c',
      'foo',
      'a@1',
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.constantFrom('npx', '/x/npx', 'uvx'), fc.array(word, { maxLength: 6 }), (file, args) => {
      const command = packageCommand(file, args);
      if (command === undefined) return;
      expect([...command.args, ...command.programArgs]).toEqual(args);
      expect(command.spec).not.toBe('');
      expect(command.args.length).toBeGreaterThan(0);
    }),
  );
});
