import type { CallBody } from '../protocol.ts';
import { answerCall, type CallKind } from './answer-call.ts';
import type { CallAnswer } from './call-answer.ts';
import { requestError } from './http-answers.ts';
import type { AnyPlugin } from './load-plugin.ts';
import type { PluginContext } from './plugin.ts';
import type { RunningCalls } from './running-calls.ts';
import { type Tools, toolsOf, unknownTool } from './tools.ts';

/** What {@link PluginCalls} needs. */
export interface PluginCallSettings {
  readonly plugin: AnyPlugin;
  readonly running: RunningCalls;
  /** Resolves once `/health` and `/cancel` no longer depend on the main thread. */
  readonly control: Promise<unknown>;
}

/** Runs the calls of a plugin, over whichever wire they come. */
export class PluginCalls {
  readonly running: RunningCalls;
  /** What plugin code is given; there is none before the first config. */
  context: PluginContext<unknown> | undefined;
  readonly #tools: Tools;
  #starting: Promise<unknown> | undefined;

  constructor({ plugin, running, control }: PluginCallSettings) {
    this.running = running;
    this.#tools = toolsOf(plugin);
    this.#starting = control.then(() => {
      this.#starting = undefined;
    });
  }

  /** Runs a call and sends its whole answer; `body` is what is wrong with it where it cannot be run. Never rejects. */
  answer(kind: CallKind, body: Required<CallBody> | string, answer: CallAnswer): Promise<void> | undefined {
    const { context, running } = this;
    if (typeof body === 'string') {
      answer.error(requestError('BadRequest', body));
      return undefined;
    }
    if (context === undefined) {
      answer.error(requestError('NotInitialized', '/initialize must be answered before a call.'));
      return undefined;
    }
    const tool = this.#tools.get(body.tool);
    if (tool !== undefined) return answerCall(kind, body, { tool, context, running, starting: this.#starting }, answer);
    answer.error(unknownTool(body.tool, this.#tools));
    return undefined;
  }
}
