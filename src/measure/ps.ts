import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { heedStreams } from '../process/start-process.ts';
import type { ProcessSample } from './process-sample.ts';

const run = promisify(execFile);

/** All processes as POSIX `ps` lists them, for Unix systems without `/proc`; empty where it cannot be run. */
export async function listByPs(): Promise<ProcessSample[]> {
  try {
    const columns = ['pid=', 'ppid=', 'pgid=', 'rss=', 'time=', 'etime='].flatMap((column) => ['-o', column]);
    const running = run('ps', ['-A', ...columns], { env: { ...process.env, LC_ALL: 'C' }, timeout: 2_000 });
    heedStreams(running.child);
    const { stdout } = await running;
    return parsePs(stdout);
  } catch {
    return [];
  }
}

/** Reads the columns pid, ppid, pgid, rss (in KiB), time and etime. Other lines are left out. */
export function parsePs(text: string): ProcessSample[] {
  return text.split('\n').flatMap((line) => {
    const [pid, ppid, pgid, rss, time, elapsed] = line.trim().split(/\s+/);
    if (elapsed === undefined) return [];
    const sample = {
      pid: Number(pid),
      ppid: Number(ppid),
      pgid: Number(pgid),
      cpuMs: durationMs(time ?? ''),
      ageMs: durationMs(elapsed),
      rssBytes: Number(rss) * 1024,
    };
    return Object.values(sample).every((figure) => Number.isFinite(figure)) ? [sample] : [];
  });
}

/** `[[dd-]hh:]mm:ss[.cc]` in milliseconds; NaN for any other text. */
function durationMs(text: string): number {
  const [days, clock] = text.includes('-') ? text.split('-') : ['0', text];
  const seconds = (clock ?? '').split(':').reduce((total, part) => total * 60 + Number.parseFloat(part), 0);
  return (Number(days) * 86_400 + seconds) * 1000;
}
