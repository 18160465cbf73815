import { execFile } from 'node:child_process';
import { heedStreams } from '../process/start-process.ts';
import { systemClock } from '../time/clock.ts';
import { patient } from '../time/patience.ts';
import { type Gpu, type GpuProcess, parseGpuProcesses, parseGpus } from './nvidia-smi-output.ts';

/** Asks the tool of NVIDIA's driver. Where there is no such tool, there are no GPUs and no processes on them. */
export interface NvidiaSmi {
  /** The GPUs of this machine. Rejects with what was wrong where they cannot be read. */
  gpus(): Promise<Gpu[]>;
  /** What each computing process uses of the GPUs' memory. Rejects likewise. */
  processes(): Promise<GpuProcess[]>;
}

/** How the tool is asked. */
export interface NvidiaSmiOptions {
  /** The program to run. Default `nvidia-smi`. */
  readonly command?: string | undefined;
  /** How long it may take, in milliseconds. Default 2,000: without a persistent driver, one that is well takes a second. */
  readonly deadlineMs?: number | undefined;
}

/** Columns that every version knows which knows UUIDs; the name stands last, as it may hold commas. */
const GPU_QUESTION = '--query-gpu=uuid,index,memory.total,memory.free,memory.used,name';
const PROCESS_QUESTION = '--query-compute-apps=pid,gpu_uuid,used_memory';

const timers = patient(systemClock);

/** The tool of NVIDIA's driver on this machine. */
export function createNvidiaSmi({ command = 'nvidia-smi', deadlineMs = 2_000 }: NvidiaSmiOptions = {}): NvidiaSmi {
  /** Processes of the tool that were given up and have not ended. */
  let stuck = 0;

  const ask = <T>(question: string, parse: (text: string) => T[] | null): Promise<T[]> =>
    new Promise((resolve, reject) => {
      // A driver in trouble hangs its tool, which may then not even die from a signal: more of them help nobody.
      if (stuck > 0) return reject(problem('is still hanging since it was last asked'));
      const child = execFile(command, [question, '--format=csv,nounits'], (error, stdout) => {
        timers.clearTimeout(deadline);
        if (error?.code === 'ENOENT') return resolve([]);
        if (error !== null) return reject(problem(`failed: ${(stdout.trim() || error.message).slice(0, 200)}`));
        const found = parse(stdout);
        if (found === null) reject(problem(`answered ${JSON.stringify(stdout.slice(0, 200))}`));
        else resolve(found);
      });
      heedStreams(child);
      // Not execFile's own timeout, which waits for a process that may be beyond killing.
      const deadline = timers.setTimeout(() => {
        stuck += 1;
        child.once('exit', () => (stuck -= 1));
        child.kill('SIGKILL');
        child.stdout?.destroy();
        child.stderr?.destroy();
        child.unref();
        reject(problem(`did not answer within ${deadlineMs} ms`));
      }, deadlineMs);
    });

  const problem = (what: string): Error => new Error(`The GPUs could not be read: ${command} ${what}.`);

  return {
    gpus: () => ask(GPU_QUESTION, parseGpus),
    processes: () => ask(PROCESS_QUESTION, parseGpuProcesses),
  };
}
