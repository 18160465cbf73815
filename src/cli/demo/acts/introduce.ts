import { join } from 'node:path';
import { GreenroomError } from '../../../errors.ts';
import type { Stage } from '../stage.ts';
import { INDEX } from '../workshop.ts';

const PYTHON =
  { darwin: 'brew install python', win32: 'winget install Python.Python.3.13' }[process.platform as string] ??
  'sudo apt install python3';

/** The plugins that were discovered, and the start of their workers. */
export async function introduce(stage: Stage): Promise<void> {
  const { supervisor, workshop } = stage;
  stage.act(
    'Manifests become actors',
    'A JSON manifest in a folder is all there is to install. Each plugin gets a state machine, and a process of its own when it is loaded.',
  );
  for (const { name, version, description } of supervisor.plugins()) {
    const { worker } = supervisor.plugin(name).info;
    stage.emit({ type: 'plugin', plugin: name, version, worker, description });
  }
  const configs: Record<string, unknown> = { [INDEX]: { database: join(workshop.scratch, 'library.db') } };
  await Promise.all(supervisor.plugins().map(({ name }) => start(stage, name, configs[name])));
}

async function start(stage: Stage, plugin: string, config: unknown): Promise<void> {
  const startedAt = stage.now();
  try {
    await stage.supervisor.load(plugin, { config, signal: stage.signal });
    const { worker } = stage.supervisor.plugin(plugin).info;
    stage.timing(`start of ${plugin}`, stage.now() - startedAt, `${worker} worker, until it takes calls`);
  } catch (error) {
    if (!(error instanceof GreenroomError) || stage.signal.aborted) throw error;
    stage.missing.add(plugin);
    stage.emit({ type: 'missing', plugin, reason: error.message, remedy: plugin === INDEX ? remedy(error) : '' });
    await stage.supervisor.unload(plugin);
  }
}

function remedy({ code, message }: GreenroomError): string {
  if (/fts5/i.test(message)) return `Its SQLite has no full-text search. Another Python has: ${PYTHON}`;
  return code === 'E_REMOTE' ? '' : `Indexing needs Python 3.9 or newer: ${PYTHON}`;
}
