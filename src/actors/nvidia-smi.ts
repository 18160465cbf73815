import { execFile } from 'node:child_process';

/** One NVIDIA GPU. Memory is in MiB, null where the driver does not tell it, as for some that share the host's. */
export interface Gpu {
  readonly uuid: string;
  /** Its number in the driver's order, which `CUDA_VISIBLE_DEVICES` need not follow. */
  readonly index: number;
  readonly name: string;
  readonly totalMb: number | null;
  readonly freeMb: number | null;
  readonly usedMb: number | null;
}

/** A process that computes on a GPU. In a container, pids may be the host's, or there may be none at all. */
export interface GpuProcess {
  readonly pid: number;
  /** The {@link Gpu.uuid}; of a GPU that is split (MIG), the whole one's or the part's, as the driver chooses. */
  readonly gpuUuid: string;
  readonly usedMb: number | null;
}

/** Settings of the two readers. */
export interface NvidiaSmiOptions {
  /** Gives up; there are no GPUs then. */
  readonly signal?: AbortSignal | undefined;
  /** Called with what was wrong, when the driver's tool is there but its answer is of no use. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** The program to run. Default `nvidia-smi`. */
  readonly command?: string | undefined;
}

/** A driver in trouble hangs its tool, which may then not even die from a signal. */
const DEADLINE_MS = 2_000;

/** The GPUs of this machine. Empty where there are none, and with a warning where they cannot be read in time. */
export async function readGpus(options: NvidiaSmiOptions = {}): Promise<Gpu[]> {
  return await query('--query-gpu=uuid,index,name,memory.total,memory.free,memory.used', parseGpus, options);
}

/** What each computing process uses of the GPUs' memory; see {@link readGpus} for failures. */
export async function readGpuProcesses(options: NvidiaSmiOptions = {}): Promise<GpuProcess[]> {
  return await query('--query-compute-apps=pid,gpu_uuid,used_memory', parseGpuProcesses, options);
}

/** Reads the answer to {@link readGpus}'s query; null where it is none. */
export function parseGpus(text: string): Gpu[] | null {
  return parseRows(text, ([uuid, index, ...rest]) => {
    // A name may hold commas; the figures do not.
    const [usedMb, freeMb, totalMb, ...name] = rest.toReversed();
    if (uuid === undefined || !isNumber(index) || name.length === 0) return null;
    return {
      uuid,
      index: Number(index),
      name: name.toReversed().join(', '),
      totalMb: figure(totalMb),
      freeMb: figure(freeMb),
      usedMb: figure(usedMb),
    };
  });
}

/** Reads the answer to {@link readGpuProcesses}'s query; null where it is none. */
export function parseGpuProcesses(text: string): GpuProcess[] | null {
  return parseRows(text, ([pid, gpuUuid, usedMb]) =>
    isNumber(pid) && gpuUuid !== undefined ? { pid: Number(pid), gpuUuid, usedMb: figure(usedMb) } : null,
  );
}

function query<T>(
  question: string,
  parse: (text: string) => T[] | null,
  { signal, onWarning, command = 'nvidia-smi' }: NvidiaSmiOptions,
): Promise<T[]> {
  return new Promise((resolve) => {
    let finished = false;
    const finish = (found: T[] | null, problem: string): void => {
      if (finished) return;
      finished = true;
      clearTimeout(deadline);
      signal?.removeEventListener('abort', abort);
      if (found === null) onWarning?.(`The GPUs could not be read: ${command} ${problem}.`);
      resolve(found ?? []);
    };
    const child = execFile(command, [question, '--format=csv,noheader,nounits'], (error, stdout) => {
      if (error?.code === 'ENOENT') finish([], '');
      else if (error !== null) finish(null, `failed: ${(stdout.trim() || error.message).slice(0, 200)}`);
      else finish(parse(stdout), `answered ${JSON.stringify(stdout.slice(0, 200))}`);
    });
    // Not execFile's own timeout, which waits for a process that may be beyond killing.
    const giveUp = (problem: string): void => {
      child.kill('SIGKILL');
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      finish(null, problem);
    };
    const abort = (): void => giveUp('was given up');
    const deadline = setTimeout(() => giveUp(`did not answer within ${DEADLINE_MS} ms`), DEADLINE_MS);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Null if any line is no row: an error message of the tool, for example. */
function parseRows<T>(text: string, parseRow: (cells: string[]) => T | null): T[] | null {
  const rows = text.split('\n').filter((line) => line.trim() !== '');
  const parsed = rows.map((line) => parseRow(line.split(',').map((cell) => cell.trim())));
  const valid = parsed.filter((row) => row !== null);
  return valid.length === parsed.length ? valid : null;
}

/** `[N/A]`, `[Not Supported]`, `[Insufficient Permissions]` and their like are null. */
function figure(cell: string | undefined): number | null {
  return isNumber(cell) ? Number(cell) : null;
}

function isNumber(cell: string | undefined): boolean {
  return cell !== undefined && /^\d+(\.\d+)?$/.test(cell);
}
