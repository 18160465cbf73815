import type { Command } from './command.ts';

interface CommandEntry {
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}

/** The commands by name, in the order of the help. Each is read from disk when it is wanted. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  demo: { summary: 'see plugins work on your own files', load: () => import('./commands/demo.ts') },
  init: { summary: 'write a plugin that runs at once', load: () => import('./commands/init.ts') },
  list: { summary: 'list the plugins there are, and what is broken', load: () => import('./commands/list.ts') },
  run: { summary: 'call a plugin and print its result', load: () => import('./commands/run.ts') },
  logs: { summary: 'show what a plugin has printed', load: () => import('./commands/logs.ts') },
  explain: { summary: 'tell why a plugin was given room, or not', load: () => import('./commands/explain.ts') },
  dev: { summary: 'run a supervisor and watch it in the inspector', load: () => import('./commands/dev.ts') },
  inspect: { summary: 'open a recorded session in the inspector', load: () => import('./commands/inspect.ts') },
  validate: { summary: 'check manifests', load: () => import('./commands/validate.ts') },
  doctor: { summary: 'tell what of this machine works', load: () => import('./commands/doctor.ts') },
};
