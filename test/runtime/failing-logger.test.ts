import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { openSupervisor } from './greenroom.ts';

/** A logger that throws whatever it is told, and what it was told. */
function failingLogger(levels: readonly string[] = ['info', 'warn', 'error', 'fatal']) {
  const lines: string[] = [];
  const logger = Object.fromEntries(
    levels.map((level) => [
      level,
      (...line: unknown[]) => {
        lines.push(`${level}: ${String(line.at(-1))}`);
        throw new Error('the log is closed');
      },
    ]),
  );
  return { logger: logger as unknown as Logger, lines };
}

/** The warnings of Node from now on. */
function warningsOfNode(): string[] {
  const warnings: string[] = [];
  const note = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  return warnings;
}

test('a logger that throws costs lines of the log, of which a warning tells once, and nothing else', async () => {
  const { logger, lines } = failingLogger();
  const warnings = warningsOfNode();
  const opened = await openSupervisor({ workbench: { fixture: 'workbench' } }, { logger });
  const { supervisor } = opened;
  await supervisor.load('workbench');
  await expect(supervisor.execute('workbench', { do: 'exit', code: 3 })).rejects.toMatchObject({ code: 'E_CRASHED' });
  expect(await supervisor.execute('workbench', { value: 1 })).toBe(1);
  supervisor.on('transition', () => {
    throw new Error('a listener');
  });
  await supervisor.reload('workbench');
  expect(await supervisor.execute('workbench', { value: 2 })).toBe(2);
  // A manifest that cannot be used, and a worker that does not start in place of another.
  writeFileSync(join(opened.plugins, 'broken.json'), '{');
  opened.write('workbench', { fixture: 'workbench', module: './gone.mjs' });
  await supervisor.discover();
  expect(supervisor.problems()).toHaveLength(1);
  expect(await supervisor.execute('workbench', { value: 3 })).toBe(3);
  await supervisor.stop();
  expect(supervisor.status()).toMatchObject({ state: 'stopped', workers: 0 });
  expect(lines).toEqual(
    expect.arrayContaining([
      'warn: plugin crashed',
      'error: A listener of the host program threw an error.',
      expect.stringMatching(/^warn: Problem in \S+\.json: /),
    ]),
  );
  expect(warnings).toEqual([
    expect.stringMatching(/^GreenroomWarning: The logger of the supervisor failed: the log is closed\. .*: \S/),
  ]);
});
