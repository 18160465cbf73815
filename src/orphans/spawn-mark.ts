import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readProcStat } from '../process/proc-stat.ts';
import { waitUntilGone } from '../process/wait-until-gone.ts';

/**
 * The variable in a worker's environment that everything it starts inherits: `<supervisor>.<spawn>`. By it a process
 * is found that has left its worker's group, its session and its parents.
 */
export const MARK_VARIABLE = 'GREENROOM_SPAWN';

/** How long `/proc` is read before others get their turn, in milliseconds. */
const SLICE_MS = 5;

interface MarkedProcess {
  readonly pid: number;
  readonly startTime: string;
  readonly mark: string;
}

/**
 * Kills every process whose environment bears the mark, and resolves when none is left: those with exactly this mark,
 * or, for a supervisor's, those of all its spawns. Does nothing where there is no `/proc`.
 */
export async function endMarked(mark: string | { readonly supervisor: string }): Promise<void> {
  const isWanted =
    typeof mark === 'string'
      ? (process: MarkedProcess) => process.mark === mark
      : (process: MarkedProcess) => process.mark.startsWith(`${mark.supervisor}.`);
  const killed = new Map<number, MarkedProcess>();
  await waitUntilGone(async () => {
    const { marked, undecided } = await census();
    const found = marked.filter(isWanted);
    // One that is ending loses its environment before its files.
    const isEnding = [...killed.values()].some(runs);
    if (found.length === 0 && !undecided && !isEnding) return true;
    for (const process of found) {
      kill(process);
      killed.set(process.pid, process);
    }
    return false;
  });
}

/** Whether two processes were started by the same spawn, whatever became of their groups and parents. */
export function sharesMark(one: number, other: number): boolean {
  const [mark, expected] = [markOf(one), markOf(other)];
  return typeof mark === 'object' && typeof expected === 'object' && mark.value === expected.value;
}

interface Census {
  readonly marked: readonly MarkedProcess[];
  /** Whether there are processes that may yet turn out to bear a mark. */
  readonly undecided: boolean;
}

/** The look through `/proc` that has been asked for and not begun. Further requests share it until then. */
let upcoming: Promise<Census> | undefined;

function census(): Promise<Census> {
  upcoming ??= nextTurn().then(() => {
    upcoming = undefined;
    return lookThroughProc();
  });
  return upcoming;
}

async function lookThroughProc(): Promise<Census> {
  const marked: MarkedProcess[] = [];
  let undecided = false;
  let sliceEnd = performance.now() + SLICE_MS;
  for (const name of list('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const mark = markOf(pid);
    if (mark === 'undecided') undecided = true;
    else if (mark !== 'none') {
      // The number counts only together with a start time that was read while the mark was there.
      const startTime = readProcStat(pid)?.startTime;
      const again = markOf(pid);
      if (again === 'undecided') undecided = true;
      else if (startTime !== undefined && again !== 'none' && again.value === mark.value) {
        marked.push({ pid, startTime, mark: mark.value });
      }
    }
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + SLICE_MS;
  }
  // This process has long been loaded: where it seems to be loading, the kernel does not tell.
  return { marked, undecided: undecided && readProcStat(process.pid)?.loading === false };
}

function runs({ pid, startTime }: MarkedProcess): boolean {
  const stat = readProcStat(pid);
  return stat?.startTime === startTime && !stat.zombie;
}

function kill({ pid, startTime }: MarkedProcess): void {
  if (readProcStat(pid)?.startTime !== startTime) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself, or belongs to somebody else by now.
  }
}

/**
 * Of processes that have ended, that belong to others, or that are shielded, nothing can be read. In the middle of an
 * `execve` a process has no environment yet, for as long as its program is being loaded: the one it gets may bear a mark.
 */
function markOf(pid: number): { readonly value: string } | 'none' | 'undecided' {
  const environment = environmentOf(pid);
  if (environment !== '') return markIn(environment);
  const stat = readProcStat(pid);
  if (stat?.loading === true) return 'undecided';
  if (stat?.hasEnvironment !== true) return 'none';
  // It has been loaded since, and may be loading the next.
  const again = environmentOf(pid);
  return again === '' ? 'undecided' : markIn(again);
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

function markIn(environment: string): { readonly value: string } | 'none' {
  const entry = `${MARK_VARIABLE}=`;
  const at = environment.startsWith(entry) ? 0 : environment.indexOf(`\0${entry}`) + 1;
  if (at === 0 && !environment.startsWith(entry)) return 'none';
  const end = environment.indexOf('\0', at);
  return { value: environment.slice(at + entry.length, end < 0 ? undefined : end) };
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
