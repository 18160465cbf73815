import type { DATA_DIR_OPTIONS, Values } from '../command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { unknownPlugin } from '../unknown-plugin.ts';
import { atJobs } from './at-jobs.ts';

/** Pauses or resumes the jobs of a plugin, or of all, and tells whose are paused then. Resolves to the exit status. */
export function pausing(
  act: 'pause' | 'resume',
  plugin: string | undefined,
  values: Values<typeof DATA_DIR_OPTIONS>,
  terminal: Terminal,
): Promise<number> {
  return atJobs(values, terminal, async ({ daemon }) => {
    const { jobs } = daemon;
    if (act === 'pause' && plugin !== undefined) {
      const names = new Set([
        ...(await daemon.discover()).map(({ name }) => name),
        ...Object.keys(await jobs.counts()),
      ]);
      if (!names.has(plugin)) throw unknownPlugin(plugin, names);
    }
    await jobs[act](plugin);
    const paused = await jobs.paused();
    if (terminal.json) await terminal.printJson({ paused });
    else terminal.note(pausedText(paused));
    return 0;
  });
}

/** Whose jobs are paused, in a sentence. */
export function pausedText(paused: readonly string[]): string {
  if (paused.length === 0) return 'No jobs are paused.';
  const whose = paused.includes('*') ? 'All jobs' : `The jobs of ${paused.map((name) => `"${name}"`).join(', ')}`;
  return `${whose} are paused. Take them again: greenroom jobs resume`;
}
