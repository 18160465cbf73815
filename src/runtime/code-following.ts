import { type ActorRefFrom, createActor, fromCallback, fromPromise } from 'xstate';
import { environmentInterpreter } from '../actors/environment-step.ts';
import { followCode } from '../actors/follow-code.ts';
import { faultText } from '../code/code-fault.ts';
import type { CodeNews, CodeReplacement } from '../code/code-news.ts';
import type { CheckProgram } from '../code/run-check.ts';
import { codeMachine } from '../machines/code.ts';
import type { LaunchRequest } from '../machines/worker.ts';
import type { PythonEnvs } from '../python-envs/python-envs.ts';
import type { ResolvedSettings } from '../settings/resolve.ts';
import type { Clock } from '../time/clock.ts';
import { reloadPlugin } from './loading.ts';
import type { PluginLookup } from './plugin-lookup.ts';
import type { PluginRecord } from './plugin-record.ts';

/** What the code of a supervisor's plugins is followed with. */
export interface CodeFollowingParts {
  readonly settings: Pick<ResolvedSettings, 'pollMs' | 'watch'>;
  readonly clock: Clock;
  readonly plugins: PluginLookup;
  readonly pythonEnvs: PythonEnvs;
  /** How a worker of the plugin would be started now. */
  launch(record: PluginRecord): LaunchRequest;
  tell(plugin: string, news: CodeNews): void;
}

/** Follows the code of plugins: an actor for each, which decides what a change leads to. */
export class CodeFollowing {
  readonly #parts: CodeFollowingParts;
  readonly #actors = new Map<string, ActorRefFrom<typeof codeMachine>>();
  /** Why the last changes were not served, by plugin. */
  readonly #faults = new Map<string, string>();

  constructor(parts: CodeFollowingParts) {
    this.#parts = parts;
  }

  /** A plugin was added. */
  follow(record: PluginRecord): void {
    const { settings, clock, plugins, pythonEnvs, launch, tell } = this.#parts;
    const { plugin } = record;
    const parts = { clock, pollMs: settings.pollMs, polls: settings.watch === 'poll' };
    const logic = codeMachine.provide({
      actors: {
        follow: fromCallback(({ sendBack }) => followCode(record, parts, sendBack)),
        check: fromPromise(async ({ input: { files }, signal }) => {
          const request = launch(record);
          const program = await checkProgramOf(request, pythonEnvs, signal);
          return program && request.kind.code?.check(program, files, signal);
        }),
        replace: fromPromise(() => replaceWorker(plugins, record)),
      },
    });
    const actor = createActor(logic, {
      clock,
      input: {
        clock,
        tell: (news) => {
          this.#note(plugin, news);
          tell(plugin, news);
        },
      },
      id: `${plugin}.code`,
    });
    this.#actors.set(plugin, actor);
    actor.start();
  }

  /** A plugin is gone. */
  forget(plugin: string): void {
    this.#actors.get(plugin)?.stop();
    this.#actors.delete(plugin);
    this.#faults.delete(plugin);
  }

  /** Why the plugin's code as it is on the disk is not served; undefined where it is, or is about to be. */
  faultOf(plugin: string): string | undefined {
    const context = this.#actors.get(plugin)?.getSnapshot().context;
    // Changes that were taken back are told of by nobody.
    const isServed = context === undefined || context.changed.size + context.pending.size === 0;
    return isServed ? undefined : this.#faults.get(plugin);
  }

  #note(plugin: string, news: CodeNews): void {
    if (news.outcome === 'served' || news.outcome === 'next-start') this.#faults.delete(plugin);
    const fault = notServed(news);
    if (fault !== undefined) this.#faults.set(plugin, fault);
  }

  /** Follows nothing any more. */
  close(): void {
    for (const plugin of [...this.#actors.keys()]) this.forget(plugin);
  }
}

/** Why changed code is not served, as a sentence; undefined of other news. */
export function notServed(news: CodeNews): string | undefined {
  if (news.outcome === 'faulty') return `The changed code is not run: ${faultText(news.fault)}`;
  if (news.outcome === 'failed') return `The changed code does not start: ${news.reason}`;
  return undefined;
}

/** What would run the code. A setting that is wrong, as the start itself tells, leaves nothing to check with. */
async function checkProgramOf(
  request: LaunchRequest,
  pythonEnvs: PythonEnvs,
  signal: AbortSignal,
): Promise<CheckProgram | undefined> {
  const { environment, file: own, problem, env, cwd } = request;
  if (problem !== undefined) return undefined;
  const file = environment === undefined ? own : await environmentInterpreter(request, pythonEnvs, signal);
  return file === undefined ? undefined : { file, env, cwd };
}

/** Also tries again what had failed: the change may be its fix. What nobody has loaded is left alone. */
async function replaceWorker(plugins: PluginLookup, record: PluginRecord): Promise<CodeReplacement> {
  const { serving, state, plugin } = record;
  if (serving || state === 'spawning' || state === 'crashed') {
    await reloadPlugin(plugins, plugin, {});
    return 'served';
  }
  record.send({ type: 'REPLACE' });
  return 'next-start';
}
