import type { CommandEntry } from './command.ts';

/** The commands by name, in the order of the help. Each is read from disk when it is wanted. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  demo: { summary: 'see plugins work on your own files', load: () => import('./commands/demo.ts') },
  init: { summary: 'create a small plugin to start from', load: () => import('./commands/init.ts') },
  list: { summary: 'list the plugins, and what is wrong with them', load: () => import('./commands/list.ts') },
  run: { summary: 'call a plugin and print its result', load: () => import('./commands/run.ts') },
  logs: { summary: 'show what a plugin printed', load: () => import('./commands/logs.ts') },
  explain: { summary: 'explain why a plugin runs, waits or was refused', load: () => import('./commands/explain.ts') },
  load: { summary: 'start a plugin at the daemon', load: () => import('./commands/load.ts') },
  unload: { summary: 'end a plugin at the daemon', load: () => import('./commands/unload.ts') },
  reload: { summary: 'replace the worker of a plugin at the daemon', load: () => import('./commands/reload.ts') },
  jobs: { summary: 'hand work over that outlives its caller', load: () => import('./commands/jobs.ts') },
  fleet: { summary: 'show the nodes of a fleet and its jobs', load: () => import('./commands/fleet.ts') },
  ps: { summary: 'show what runs', load: () => import('./commands/ps.ts') },
  top: { summary: 'show what runs, and keep it up to date', load: () => import('./commands/top.ts') },
  dev: { summary: 'run a supervisor and watch it in the inspector', load: () => import('./commands/dev.ts') },
  serve: { summary: 'run a supervisor for every program on this machine', load: () => import('./commands/serve.ts') },
  mcp: { summary: 'offer all plugins as one MCP server', load: () => import('./commands/mcp.ts') },
  token: { summary: 'print or replace the token of the daemon', load: () => import('./commands/token.ts') },
  inspect: { summary: 'open a recorded session in the inspector', load: () => import('./commands/inspect.ts') },
  import: {
    summary: 'make manifests of a configuration of llama-swap',
    load: () => import('./commands/import.ts'),
  },
  validate: { summary: 'check manifests', load: () => import('./commands/validate.ts') },
  env: { summary: 'show, repair or remove Python environments', load: () => import('./commands/env.ts') },
  types: { summary: 'write types of the tools, for TypeScript', load: () => import('./commands/types.ts') },
  doctor: { summary: 'check this machine', load: () => import('./commands/doctor.ts') },
};
