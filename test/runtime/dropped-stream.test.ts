import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { all, openSupervisor } from './greenroom.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('a stream that the program drops halfway is cancelled when it is collected, and its lease comes back', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  const idle = opened.entered('plugin', 'ready');
  const readOne = async (): Promise<void> => {
    await supervisor.stream('plugin', { count: 1_000_000 })[Symbol.asyncIterator]().next();
  };
  await supervisor.load('plugin');
  await idle;
  const back = opened.entered('plugin', 'ready');
  await readOne();
  const timer = setInterval(collect, 20);
  try {
    await back;
  } finally {
    clearInterval(timer);
  }
  expect(opened.snapshot('plugin').inFlight).toBe(0);
  expect((await all(supervisor.stream('plugin', { count: 3 }))).length).toBeGreaterThan(0);
});

test('a log that the program follows and drops is let go of when it is collected, its file and its watch', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  await supervisor.load('plugin');
  const watches = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'FSEventWrap').length;
  const openLogs = (): number => (existsSync(FDS) ? readdirSync(FDS).filter(isReadingLog).length : 0);
  const before = watches();
  const warnings: string[] = [];
  const note = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const readOne = async (): Promise<unknown> =>
    (await supervisor.logs('plugin', { follow: true })[Symbol.asyncIterator]().next()).value;
  expect(await readOne()).toBe('worker started: plugin');
  expect(watches()).toBe(before + 1);
  await eventually(
    () => {
      collect();
      expect([watches(), openLogs()]).toEqual([before, 0]);
    },
    { interval: 20 },
  );
  // Of a file that it had to close itself, Node warns, or ends the program.
  expect(warnings).toEqual([]);
});

const FDS = '/proc/self/fd';

/** Whether a descriptor of this process reads a log, rather than writes it. */
function isReadingLog(descriptor: string): boolean {
  try {
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1] ?? '';
    return readlinkSync(`${FDS}/${descriptor}`).endsWith('.log') && (Number.parseInt(flags, 8) & 3) === 0;
  } catch {
    return false;
  }
}
