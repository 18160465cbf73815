import { isFinal, type Job } from '../../jobs/job.ts';
import { printedJson } from '../../json/printed-json.ts';
import { oneLine } from '../../text/printable.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { calledText, detailText, stateText } from './job-text.ts';

/** Prints jobs as they change, a line each; for programs each change as JSON. What would be printed twice is printed once. */
export class ChangeLines {
  readonly #terminal: Terminal;
  readonly #last = new Map<string, string>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async tell(job: Job): Promise<void> {
    const { id, state } = job;
    const { json, out } = this.#terminal;
    const now = Date.now();
    const what = [stateText(state, out), oneLine(detailText(job, now))].filter((part) => part !== '').join('  ');
    const text = json ? printedJson(job) : `${id}  ${calledText(job)}  ${what}`;
    if (this.#last.get(id) === text) return;
    if (isFinal(state)) this.#last.delete(id);
    else this.#last.set(id, text);
    const time = new Date(now).toTimeString().slice(0, 8);
    await this.#terminal.print(json ? text : `${out.dim(time)}  ${text}`);
  }
}
