import type { AnyActorRef } from 'xstate';
import { faultText } from '../../code/code-fault.ts';
import type { ManifestProblem } from '../../manifest/manifest-problem.ts';
import type { CodeEvent } from '../../runtime/supervisor-events.ts';
import { decisionAt } from '../../scheduler/decision.ts';
import type { SchedulerEmitted } from '../../scheduler/scheduler-events.ts';
import { type Clock, wallTime } from '../../time/clock.ts';
import { DEFAULT_TOOL } from '../../tools/tool-name.ts';
import { Redactor } from '../redaction/redaction.ts';
import { concealConfig, secretsOfVariables } from '../redaction/secrets.ts';
import type { DecisionRecord, Json, Rates } from '../wire.ts';
import { pluginId, SCHEDULER, SUPERVISOR } from './actor-ids.ts';
import { ActorRecorder } from './actor-recorder.ts';
import { AlertRecorder } from './alert-recorder.ts';
import { shownValue } from './call-payload.ts';
import { CallRecorder } from './call-recorder.ts';
import { recordEvents } from './event-recorder.ts';
import { Faults } from './faults.ts';
import { Journal } from './journal.ts';
import type { NewRecord } from './journal-entry.ts';
import { onwardClock } from './onward-clock.ts';
import { PendingRecords } from './pending-records.ts';
import { PluginRecorder } from './plugin-recorder.ts';
import { Present } from './present.ts';
import { RateHistory } from './rate-history.ts';
import type { Recorded } from './recorded.ts';
import type { RecorderParts } from './recorder-parts.ts';
import { UseRecorder } from './use-recorder.ts';
import { Views } from './views.ts';

/**
 * Records what happens in a supervisor: milestones always, every event only while somebody looks. It watches and never
 * sends an actor anything; what goes wrong in it goes to `onError` and no further.
 */
export class Recorder {
  readonly journal = new Journal();
  readonly #parts: RecorderParts;
  readonly #actors: ActorRecorder;
  readonly #plugins: PluginRecorder;
  #calls: CallRecorder | undefined;
  readonly #alerts: AlertRecorder;
  readonly #use: UseRecorder;
  readonly #unsubscribe: (() => void)[] = [];
  #isSettling = false;
  #onlookers = 0;
  #unobserve: (() => void) | undefined;

  /** @param keepsPayloads whether the inputs and outputs of calls are kept */
  constructor(subject: Recorded, keepsPayloads = true) {
    const timed = { ...subject, clock: onwardClock(subject.clock) };
    const redactor = new Redactor();
    const views = new Views(redactor, timed.clock);
    this.#parts = {
      subject: timed,
      faults: new Faults(subject.onError),
      redactor,
      views,
      present: new Present(timed, views, redactor),
      journal: this.journal,
      pending: new PendingRecords(() => this.settle()),
      keepsPayloads,
      rates: new RateHistory(),
    };
    this.#actors = new ActorRecorder(this.#parts, () => this.#unobserve !== undefined);
    this.#plugins = new PluginRecorder(this.#parts, this.#actors);
    this.#alerts = new AlertRecorder(this.#parts, this.#actors);
    this.#use = new UseRecorder(this.#parts, this.#plugins);
    // Workers may print what they were given of these.
    redactor.learn(secretsOfVariables(process.env));
    this.#parts.faults.guard(() => this.#begin());
  }

  /** By which everything is recorded: its time of day never goes back. */
  get clock(): Clock {
    return this.#parts.subject.clock;
  }

  /** Everything at this moment as JSON of a {@link Sync}, with what is remembered. */
  sync(control: boolean): string {
    this.settle();
    // Records are kept as JSON, so they are put before the closing bracket rather than parsed and written again.
    const { seq, completeFrom } = this.journal;
    const shown = this.#parts.present.toJson(seq, completeFrom, control);
    return `${shown.slice(0, -1)},"records":[${this.journal.milestones().join(',')}]}`;
  }

  /**
   * The first line of a session, as JSON of a `SessionHeader`.
   *
   * @param complete the `seq` after which the session has every record
   */
  header(control: boolean, complete = this.journal.completeFrom): string {
    this.settle();
    const calls = JSON.stringify(this.#calls?.figures ?? []);
    const shown = this.#parts.present.toJson(this.journal.seq, complete, control);
    return `{"format":"greenroom-session","version":1,"calls":${calls},${shown.slice(1)}`;
  }

  /** The calls that run, and the figures of all; undefined where the recorder could not begin. See {@link CallsNow}. */
  get calls(): Pick<CallRecorder, 'now' | 'payloadOf'> | undefined {
    return this.#calls;
  }

  /** Somebody looks: events and memory are recorded, and measured more often, until what is returned is called. */
  look(): () => void {
    let looking = true;
    this.#onlookers += 1;
    if (this.#onlookers === 1) {
      this.#parts.faults.guard(() => {
        this.#unobserve = recordEvents(this.#parts, this.#plugins, this.#actors);
        this.#use.look(true);
      });
    }
    return () => {
      if (!looking) return;
      looking = false;
      this.#onlookers -= 1;
      if (this.#onlookers === 0) this.#stopObserving();
    };
  }

  /** What was measured of some plugins, by their names, after a time in milliseconds since the epoch, and what they do now. */
  rates(plugins: readonly string[], since: number): Rates {
    const { rates, subject, redactor } = this.#parts;
    const found = plugins.flatMap((plugin) => {
      const series = rates.seriesSince(plugin, since);
      return series === undefined ? [] : [[plugin, series] as const];
    });
    return {
      at: rates.timesSince(since),
      plugins: Object.fromEntries(found),
      total: rates.totalSince(since),
      busy: this.#calls?.busy(plugins) ?? {},
      gpus: (subject.systemMonitor.gpus ?? []).map(({ index, name, totalMb, usedMb }) => ({
        ...{ index, name: redactor.text(name), totalMb, usedMb },
      })),
    };
  }

  /** Records something that the recorder does not see by itself. */
  note(record: NewRecord): void {
    const { faults, pending } = this.#parts;
    faults.guard(() => pending.add(record));
  }

  /** A text without secrets. */
  text(text: string): string {
    return this.#parts.redactor.text(text);
  }

  /** Anything as plain JSON without secrets; of what is longer than so many characters of JSON, the beginning. */
  value(value: unknown, secrets: readonly string[], characters: number): Json {
    return shownValue(value, this.#parts.redactor, secrets, characters);
  }

  /** Whether the inputs and outputs of calls are kept, and shown. */
  get showsValues(): boolean {
    return this.#parts.keepsPayloads;
  }

  /**
   * An input of a tool without what its schema or its names declare secret, and the secret values that were in it.
   *
   * @param tool undefined: the plugin's `execute`
   */
  conceal(
    plugin: string,
    tool: string | undefined,
    input: unknown,
  ): { readonly shown: unknown; readonly secrets: readonly string[] } {
    const schema = this.#parts.subject.records.get(plugin)?.tools.inputSchema(tool ?? DEFAULT_TOOL);
    const { config: shown, secrets } = concealConfig(input, schema);
    return { shown, secrets };
  }

  /** Completes the records that wait for it now. */
  settle(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    const { pending, faults } = this.#parts;
    try {
      this.#plugins.settle();
      this.#keep();
      this.#alerts.settle();
      this.#keep();
    } catch (error) {
      pending.take();
      this.#plugins.reset();
      faults.report(error);
    } finally {
      this.#isSettling = false;
    }
  }

  /** Moves the records that are complete into the journal. */
  #keep(): void {
    const { pending } = this.#parts;
    const records = pending.take();
    for (const record of records) this.#alerts.note(this.journal.add(record, pending.payloadOf(record)), record);
    if (records.length > 0) this.journal.announce();
  }

  close(): void {
    for (const release of this.#unsubscribe.splice(0)) release();
    this.#actors.close();
    this.#stopObserving();
    this.#use.close();
    this.settle();
    this.#alerts.close();
  }

  #begin(): void {
    const { subject, faults } = this.#parts;
    const { records, transitions, instances, problems, code, root } = subject;
    const { scheduler } = root.getSnapshot().children as { scheduler: AnyActorRef };
    for (const record of records.values()) this.#plugins.meet(record);
    const calls = new CallRecorder(this.#parts);
    this.#calls = calls;
    this.#unsubscribe.push(
      transitions.add(faults.guarded((transition) => this.#plugins.onTransition(transition))),
      instances.add(faults.guarded((change) => this.#plugins.onInstance(change))),
      problems.add(faults.guarded((found) => this.#onProblems(found))),
      code.add(faults.guarded((event) => this.#onCode(event))),
      () => calls.close(),
    );
    // Plugins come and go in steps of the supervisor.
    this.#actors.follow(root, SUPERVISOR, () => this.#plugins.noteComings());
    this.#actors.follow(scheduler, SCHEDULER);
    for (const type of ['decision', 'fact'] as const) {
      const onEmitted = faults.guarded((emitted: SchedulerEmitted) => this.#onEmitted(emitted));
      this.#unsubscribe.push(scheduler.on(type, (emitted) => onEmitted(emitted as SchedulerEmitted)).unsubscribe);
    }
  }

  #onProblems(problems: readonly ManifestProblem[]): void {
    const { redactor, pending } = this.#parts;
    for (const { file, field, reason } of problems) {
      pending.add({
        kind: 'problem',
        at: this.clock.now(),
        actor: SUPERVISOR,
        message: redactor.text(reason),
        file: redactor.text(file),
        field: field && redactor.text(field),
      });
    }
  }

  #onCode({ plugin, outcome, files, ...rest }: CodeEvent): void {
    const { redactor, pending } = this.#parts;
    const message = 'fault' in rest ? faultText(rest.fault) : 'reason' in rest ? rest.reason : undefined;
    pending.add({
      kind: 'code',
      at: this.clock.now(),
      actor: pluginId(plugin),
      outcome,
      files: files.map((file) => redactor.text(file)),
      message: message && redactor.text(message),
      tookMs: 'tookMs' in rest ? rest.tookMs : undefined,
    });
  }

  #onEmitted(emitted: SchedulerEmitted): void {
    const { redactor, pending } = this.#parts;
    if (emitted.type === 'decision') {
      const { plugin, ...decision } = decisionAt(emitted.decision, (at) => wallTime(this.clock, at));
      const shown = redactor.json(decision) as unknown as Omit<DecisionRecord, 'seq' | 'kind' | 'actor'>;
      // The decision's own time may lie before that of what was recorded meanwhile.
      pending.add({ ...shown, kind: 'decision', at: this.clock.now(), actor: pluginId(plugin) });
    } else if (emitted.type === 'fact') {
      const { kind, ...facts } = emitted.fact;
      const message = redactor.text(`${kind}: ${JSON.stringify(facts)}`);
      pending.add({ kind: 'problem', at: this.clock.now(), actor: SCHEDULER, message });
    }
  }

  #stopObserving(): void {
    if (this.#unobserve === undefined) return;
    this.#unobserve();
    this.#unobserve = undefined;
    this.#use.look(false);
  }
}
