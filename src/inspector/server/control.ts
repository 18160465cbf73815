import type { ServerResponse } from 'node:http';
import { messageOf } from '../../errors.ts';
import type { PluginRecord } from '../../runtime/plugin-record.ts';
import { DEFAULT_TOOL } from '../../tools/tool-name.ts';
import { pluginId } from '../record/actor-ids.ts';
import type { Recorder } from '../record/recorder.ts';
import type { ControlAction, ControlAnswer, ControlRecord, ControlRequest, JsonObject } from '../wire.ts';
import type { ToolsAnswer } from '../wire-calls.ts';
import type { JobAnswer } from '../wire-jobs.ts';
import { actOnJobs } from './job-control.ts';
import { type JobsOwner, openJobs } from './jobs-api.ts';
import { answerPageCall, type Callable, readPageCall } from './page-call.ts';

/** What acts: the supervisor. */
export interface Controlled extends Callable, JobsOwner {
  load(name: string): Promise<void>;
  release(name: string): Promise<void>;
  reload(name: string): Promise<void>;
  cancelCalls(name: string, reason: unknown): void;
}

const ACTIONS = ['load', 'release', 'restart', 'cancel', 'reset'] as const satisfies readonly ControlAction[];

/** Does what the page asks for and records it; how it went is recorded when it is over. */
export class Control {
  readonly #supervisor: Controlled;
  readonly #records: ReadonlyMap<string, PluginRecord>;
  readonly #recorder: Recorder;
  readonly #now: () => number;

  constructor(
    supervisor: Controlled,
    records: ReadonlyMap<string, PluginRecord>,
    recorder: Recorder,
    now: () => number,
  ) {
    this.#supervisor = supervisor;
    this.#records = records;
    this.#recorder = recorder;
    this.#now = now;
  }

  /** @param body the JSON that was sent */
  ask(body: string): Refused | { readonly status: 202; readonly answer: ControlAnswer } {
    const request = parse(body);
    if (request === undefined)
      return refused(400, `Send { "action", "plugin" }; the actions are ${ACTIONS.join(', ')}.`);
    if (!this.#records.has(request.plugin)) return refused(404, 'This plugin no longer exists.');
    this.#note(request, 'asked');
    this.#perform(request).then(
      () => this.#note(request, 'done'),
      (error: unknown) => this.#note(request, 'failed', messageOf(error)),
    );
    return { status: 202, answer: { ok: true } };
  }

  /**
   * Calls a plugin for the page and answers with what comes of it; returns why not where it cannot be tried.
   *
   * @param body the JSON that was sent
   */
  async call(body: string, response: ServerResponse): Promise<Refused | undefined> {
    const request = readPageCall(body);
    if (request === undefined) return refused(400, 'Send { "plugin", "tool", "input", "stream" } as JSON.');
    const { plugin, tool } = request;
    if (!this.#records.has(plugin)) return refused(404, 'This plugin no longer exists.');
    const made = { action: 'call', plugin } as const;
    this.#note(made, 'asked', tool ?? DEFAULT_TOOL);
    const failure = await answerPageCall(this.#supervisor, this.#recorder, request, response);
    this.#note(made, failure === undefined ? 'done' : 'failed', failure);
    return undefined;
  }

  /** Does with jobs what the page asks for, and answers once it is done. @param body the JSON that was sent */
  actOnJobs(body: string): Promise<{ readonly status: number; readonly answer: JobAnswer }> {
    const isPlugin = (name: string): boolean => this.#records.has(name);
    return actOnJobs(() => openJobs(this.#supervisor), body, { recorder: this.#recorder, isPlugin });
  }

  /** The tools of a plugin, as far as they are known without a worker being started; undefined where it is not there. */
  async tools(plugin: string): Promise<ToolsAnswer | undefined> {
    const record = this.#records.get(plugin);
    if (record === undefined) return undefined;
    try {
      const tools = await record.tools.list(() => {
        throw new Error('Its tools are not known yet.');
      });
      return {
        tools: tools.map(({ name, description, streams, input_schema: input }) => ({
          name,
          description: description && this.#recorder.text(description),
          streams,
          input: input as JsonObject | undefined,
        })),
      };
    } catch {
      return {};
    }
  }

  async #perform({ action, plugin, call }: ControlRequest): Promise<void> {
    switch (action) {
      // A load clears what had been counted against a plugin that was given up.
      case 'load':
      case 'reset':
        return this.#supervisor.load(plugin);
      case 'release':
        return this.#supervisor.release(plugin);
      case 'restart':
        return this.#supervisor.reload(plugin);
      case 'cancel': {
        const reason = new Error('The call was cancelled in the inspector.');
        if (call === undefined) this.#supervisor.cancelCalls(plugin, reason);
        else if (this.#records.get(plugin)?.cancelCall(call, reason) !== true)
          throw new Error('The call has ended already.');
      }
    }
  }

  #note(
    { action, plugin }: { readonly action: ControlRecord['action']; readonly plugin: string },
    outcome: ControlRecord['outcome'],
    message?: string,
  ): void {
    this.#recorder.note({
      kind: 'control',
      at: this.#now(),
      actor: pluginId(plugin),
      action,
      origin: 'inspector',
      outcome,
      message: message && this.#recorder.text(message),
    });
  }
}

function parse(body: string): ControlRequest | undefined {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { action, plugin, call } = (given ?? {}) as Partial<Record<keyof ControlRequest, unknown>>;
  const known = ACTIONS.find((each) => each === action);
  if (known === undefined || typeof plugin !== 'string') return undefined;
  if (call === undefined) return { action: known, plugin };
  return known === 'cancel' && typeof call === 'string' ? { action: known, plugin, call } : undefined;
}

/** Why what the page asks for is not done. */
export interface Refused {
  readonly status: 400 | 404;
  readonly answer: ControlAnswer;
}

const refused = (status: Refused['status'], message: string): Refused => ({ status, answer: { ok: false, message } });
