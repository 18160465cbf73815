import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../../src/inspector/record/journal.ts';
import type { NewRecord } from '../../../src/inspector/record/journal-entry.ts';
import { type Encoding, Follower } from '../../../src/inspector/server/follower.ts';
import { eventuallyTrue } from '../../eventually.ts';

const record = (message: string, kind: 'problem' | 'event' = 'problem'): NewRecord =>
  kind === 'event' ? { kind, at: 0, actor: 'a', event: message } : { kind, at: 0, actor: 'a', message };

/** A stream that takes nothing until it is let. */
class Sink extends Writable {
  readonly written: string[] = [];
  #release: (() => void) | undefined;
  #isOpen: boolean;

  constructor(isOpen: boolean) {
    super({ highWaterMark: 1, decodeStrings: false });
    this.#isOpen = isOpen;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    if (this.#isOpen) done();
    else this.#release = done;
  }

  open(): void {
    this.#isOpen = true;
    this.#release?.();
  }
}

function encodingOf(journal: Journal): Encoding {
  return {
    sync: () => ({ text: `sync ${journal.seq}`, seq: journal.seq }),
    batch: (records, last) => `batch ${records.length} to ${last}`,
    drop: (from, to) => `drop ${from}-${to} `,
  };
}

describe('a follower', () => {
  it('brings everything once and then what comes', async () => {
    const journal = new Journal();
    journal.add(record('a'));
    const sink = new Sink(true);
    const follower = new Follower(journal, sink, encodingOf(journal));
    journal.add(record('b'));
    journal.add(record('c', 'event'));
    journal.announce();
    await eventuallyTrue(() => sink.written.length === 2);
    expect(sink.written).toEqual(['sync 1', 'batch 2 to 3']);
    follower.close();
    journal.add(record('d'));
    journal.announce();
    expect(sink.written).toHaveLength(2);
  });

  it('goes on where a reader was, and begins anew where that is forgotten', () => {
    const journal = new Journal();
    for (let n = 0; n < 5; n += 1) journal.add(record(String(n)));
    const resumed = new Sink(true);
    new Follower(journal, resumed, encodingOf(journal), 3).close();
    expect(resumed.written).toEqual(['batch 2 to 5']);
    for (let n = 0; n < 70; n += 1) journal.add(record('x'.repeat(100_000), 'event'));
    expect(journal.remembersFrom).toBeGreaterThan(3);
    const late = new Sink(true);
    new Follower(journal, late, encodingOf(journal), 3).close();
    expect(late.written).toEqual(['drop 4-75 sync 75']);
  });

  it('writes nothing more to a reader that does not read, and drops what has piled up when it does', async () => {
    const journal = new Journal();
    const sink = new Sink(false);
    const follower = new Follower(journal, sink, encodingOf(journal));
    for (let n = 0; n < 1_000; n += 1) {
      journal.add(record('x'.repeat(10_000), 'event'));
      journal.announce();
    }
    expect(sink.written).toEqual(['sync 0']);
    expect(sink.writableLength).toBe('sync 0'.length);
    sink.open();
    await eventuallyTrue(() => sink.written.length === 2);
    expect(sink.written[1]).toBe('drop 1-1000 sync 1000');
    follower.close();
  });

  it('writes at once when much has come, in batches of bounded length', () => {
    const journal = new Journal();
    const sink = new Sink(true);
    const follower = new Follower(journal, sink, encodingOf(journal), 0);
    for (let n = 0; n < 100; n += 1) journal.add(record('x'.repeat(10_000)));
    journal.announce();
    follower.close();
    expect(sink.written).toEqual(['batch 26 to 26', 'batch 26 to 52', 'batch 26 to 78', 'batch 22 to 100']);
  });
});

describe('the journal', () => {
  it('keeps milestones when many events come', () => {
    const journal = new Journal();
    journal.add(record('the crash'));
    for (let n = 0; n < 50_000; n += 1) journal.add(record('noise', 'event'));
    expect(journal.milestones().join('')).toContain('the crash');
    const all = journal.all().map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect(all.length).toBeLessThanOrEqual(20_001);
    expect(all).toEqual(all.toSorted((a, b) => a - b));
  });

  it('keeps a crash when many calls come', () => {
    const journal = new Journal();
    journal.add(record('the crash'));
    for (let n = 0; n < 50_000; n += 1) {
      const edge = n % 2 === 0 ? { from: 'ready', to: 'busy.serving' } : { from: 'busy.serving', to: 'ready' };
      journal.add({
        kind: 'transition',
        at: n,
        actor: 'plugin:x',
        ...edge,
        active: [],
        event: '',
      });
      journal.add({ kind: 'call', at: n, actor: 'plugin:x', call: String(n), edge: 'start' });
    }
    const kept = journal.milestones().map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect(kept[0]).toBe(1);
    expect(kept).toEqual(kept.toSorted((a, b) => a - b));
    expect(kept.length).toBeGreaterThan(5_000);
    expect(kept.length).toBeLessThanOrEqual(10_002);
    // The last of the forgotten transitions is held, as its state may have lasted.
    expect(journal.remembersFrom - (kept[1] ?? 0)).toBeLessThanOrEqual(1);
    expect(journal.completeFrom).toBe(journal.remembersFrom);
  });

  it('gives payloads for as long as their records are remembered', () => {
    const journal = new Journal();
    const seq = journal.add(record('a', 'event'), '{"long":1}');
    expect(journal.payload(seq)).toBe('{"long":1}');
    expect(JSON.parse(journal.all()[0] as string)).toMatchObject({ payloadSize: 10 });
    for (let n = 0; n < 20_000; n += 1) journal.add(record('b', 'event'));
    expect(journal.payload(seq)).toBeUndefined();
  });
});
