import type { ActorId, Json } from '../../wire.ts';

const two = (value: number): string => String(value).padStart(2, '0');

/** A time of day to the millisecond, of milliseconds since the epoch. */
export function timeText(at: number): string {
  const date = new Date(at);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** How long something took, in milliseconds, in as few letters as tell. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} m ${two(Math.floor(ms / 1_000) % 60)} s`;
  return minutes < 1_440 ? `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m` : `${Math.floor(minutes / 1_440)} d`;
}

/** An amount of memory in MiB. */
export function memoryText(mebibytes: number): string {
  return mebibytes < 1_024 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1_024).toFixed(1)} GiB`;
}

/** An amount of memory in MiB, out of how much it may be where that is known. */
export function memoryOfText(mebibytes: number, of: number | undefined): string {
  if (of === undefined) return memoryText(mebibytes);
  const [amount = '', unit] = memoryText(mebibytes).split(' ');
  const [most = '', unitOfMost] = memoryText(of).split(' ');
  return unit === unitOfMost ? `${amount} / ${most} ${unit}` : `${amount} ${unit} / ${most} ${unitOfMost}`;
}

/** An event in words, `WORKER.READY` as "worker ready"; where it is not known, what it did: a state is entered. */
export function eventText(name: string): string {
  if (name === '') return 'enters';
  return /^[A-Z][A-Z\d._]+$/.test(name) ? name.toLowerCase().replaceAll(/[._]/g, ' ') : name;
}

/** What an actor is called in a list: plugins by their name alone. {@link isolated}, as it stands among other words. */
export function actorText(id: ActorId): string {
  return isolated(id.replace(/^(?:plugin|worker):/, ''));
}

/** What changes the direction of the words around it: signs that do only that, and letters that are read from the right. */
const TURNING =
  /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A word of a plugin's as it may stand in a text of ours, as `<bdi>` is in an element: it turns no other words around. */
export function isolated(word: string): string {
  // One of its own could end the isolation.
  return TURNING.test(word) ? `\u2068${word.replaceAll(/[\u2066-\u2069]/g, '\ufffd')}\u2069` : word;
}

/** A value on a line of its own, or on several. */
export function jsonText(value: Json | undefined): string {
  return value === undefined ? '—' : JSON.stringify(value, undefined, 2);
}

/** A value within a sentence: a text as it is. */
export function wordOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** "1 worker", "2 workers". */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** How often a worker was restarted, in words. */
export function restartsText(restarts: number): string {
  return restarts === 0 ? 'never restarted' : `restarted ${restarts === 1 ? 'once' : `${restarts} times`}`;
}

/** A state and what goes on inside it. */
export function stateText(state: string, phase: string): string {
  return phase === '' ? state : `${state} · ${phase}`;
}
