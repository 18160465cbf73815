import { messageOf } from '../../errors.ts';
import { pluginId } from '../record/actor-ids.ts';
import type { Recorder } from '../record/recorder.ts';
import type { ControlAction, ControlAnswer, ControlRequest } from '../wire.ts';

/** What acts: the supervisor. */
export interface Controlled {
  load(name: string): Promise<void>;
  release(name: string): Promise<void>;
  reload(name: string): Promise<void>;
  cancelCalls(name: string, reason: unknown): void;
}

const ACTIONS = ['load', 'release', 'restart', 'cancel', 'reset'] as const satisfies readonly ControlAction[];

/** Does what the page asks for and records it; how it went is recorded when it is over. */
export class Control {
  readonly #supervisor: Controlled;
  readonly #records: ReadonlyMap<string, unknown>;
  readonly #recorder: Recorder;
  readonly #now: () => number;

  constructor(supervisor: Controlled, records: ReadonlyMap<string, unknown>, recorder: Recorder, now: () => number) {
    this.#supervisor = supervisor;
    this.#records = records;
    this.#recorder = recorder;
    this.#now = now;
  }

  /** @param body the JSON that was sent */
  ask(body: string): { readonly status: 202 | 400 | 404; readonly answer: ControlAnswer } {
    const request = parse(body);
    if (request === undefined) {
      const message = `Send { "action", "plugin" }; the actions are ${ACTIONS.join(', ')}.`;
      return { status: 400, answer: { ok: false, message } };
    }
    if (!this.#records.has(request.plugin)) {
      return { status: 404, answer: { ok: false, message: 'This plugin no longer exists.' } };
    }
    this.#note(request, 'asked');
    this.#perform(request).then(
      () => this.#note(request, 'done'),
      (error: unknown) => this.#note(request, 'failed', messageOf(error)),
    );
    return { status: 202, answer: { ok: true } };
  }

  async #perform({ action, plugin }: ControlRequest): Promise<void> {
    switch (action) {
      // A load clears what had been counted against a plugin that was given up.
      case 'load':
      case 'reset':
        return this.#supervisor.load(plugin);
      case 'release':
        return this.#supervisor.release(plugin);
      case 'restart':
        return this.#supervisor.reload(plugin);
      case 'cancel':
        this.#supervisor.cancelCalls(plugin, new Error('The call was cancelled in the inspector.'));
    }
  }

  #note({ action, plugin }: ControlRequest, outcome: 'asked' | 'done' | 'failed', message?: string): void {
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
  const { action, plugin } = (given ?? {}) as Partial<Record<keyof ControlRequest, unknown>>;
  const known = ACTIONS.find((each) => each === action);
  return known === undefined || typeof plugin !== 'string' ? undefined : { action: known, plugin };
}
