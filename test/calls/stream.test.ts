import { describe, expect, it, vi } from 'vitest';
import { CallStream } from '../../src/calls/stream.ts';
import { GreenroomError } from '../../src/errors.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

function opened(idleMs = Infinity) {
  const source = {
    start: vi.fn(),
    pause: vi.fn(),
    resume: vi.fn(),
    cancel: vi.fn(),
    warn: vi.fn<(idleMs: number) => void>(),
    expire: vi.fn<(idleMs: number) => void>(),
  };
  const clock = new SimulatedClock();
  return { stream: new CallStream<number>(source, { clock, idleMs }), source, clock };
}

/** A stream whose reader has taken the first of these items and asks for nothing. */
async function left(items: number, idleMs: number) {
  const all = opened(idleMs);
  const first = all.stream.next();
  for (let n = 0; n < items; n++) all.stream.push(n, 1);
  await first;
  return all;
}

const broken = new GreenroomError('E_CRASHED', 'It broke.');
const done = { value: undefined, done: true };
const item = (value: number): unknown => ({ value, done: false });

describe('CallStream', () => {
  it('starts with the first next(), once', async () => {
    const { stream, source } = opened();
    expect(source.start).not.toHaveBeenCalled();
    const both = [stream.next(), stream.next()];
    expect(source.start).toHaveBeenCalledTimes(1);
    stream.push(1, 1);
    stream.push(2, 1);
    expect(await Promise.all(both)).toEqual([item(1), item(2)]);
  });

  it('gives out what has come, then ends for good', async () => {
    const { stream } = opened();
    const first = stream.next();
    for (let n = 0; n < 3; n++) stream.push(n, 1);
    stream.end();
    stream.push(9, 1);
    expect(await first).toEqual(item(0));
    const rest: number[] = [];
    for await (const value of stream) rest.push(value);
    expect(rest).toEqual([1, 2]);
    expect(await stream.next()).toEqual(done);
  });

  it('gives out what came before an error, then the error once, then the end', async () => {
    const { stream } = opened();
    const first = stream.next();
    stream.push(1, 1);
    stream.push(2, 1);
    stream.fail(broken);
    expect(await first).toEqual(item(1));
    expect(await stream.next()).toEqual(item(2));
    await expect(stream.next()).rejects.toBe(broken);
    expect(await stream.next()).toEqual(done);
  });

  it('gives an error to the first that waits and the end to the others', async () => {
    const { stream } = opened();
    const settled = Promise.allSettled([stream.next(), stream.next()]);
    stream.fail(broken);
    expect(await settled).toEqual([
      { status: 'rejected', reason: broken },
      { status: 'fulfilled', value: done },
    ]);
  });

  it('cancels when its reader leaves, and drops what it holds', async () => {
    const { stream, source } = opened();
    const first = stream.next();
    stream.push(1, 1);
    stream.push(2, 1);
    await first;
    expect(await stream.return()).toEqual(done);
    expect(await stream.next()).toEqual(done);
    stream.fail(broken);
    expect(await stream.next()).toEqual(done);
    expect(source.cancel).toHaveBeenCalledTimes(1);
    await stream.return();
    await stream[Symbol.asyncDispose]();
    expect(source.cancel).toHaveBeenCalledTimes(1);
  });

  it('ends those that wait when its reader leaves', async () => {
    const { stream } = opened();
    const waiting = stream.next();
    await stream[Symbol.asyncDispose]();
    expect(await waiting).toEqual(done);
  });

  it('passes a throw() on after it has cancelled', async () => {
    const { stream, source } = opened();
    void stream.next();
    await expect(stream.throw(broken)).rejects.toBe(broken);
    expect(source.cancel).toHaveBeenCalledTimes(1);
  });

  it('never starts once it was left before the first next()', async () => {
    const { stream, source } = opened();
    await stream.return();
    expect(await stream.next()).toEqual(done);
    expect(source.start).not.toHaveBeenCalled();
    expect(source.cancel).not.toHaveBeenCalled();
  });

  it('has nothing to cancel once it has ended', async () => {
    const { stream, source } = opened();
    const first = stream.next();
    stream.end();
    await first;
    await stream.return();
    expect(source.cancel).not.toHaveBeenCalled();
  });

  it('pauses its source also for few items that are large', async () => {
    const { stream, source } = opened();
    const megabytes = 1024 * 1024;
    const first = stream.next();
    stream.push(0, 30 * megabytes);
    expect((await first).value).toBe(0);
    for (const n of [1, 2, 3]) stream.push(n, 1.5 * megabytes);
    expect(source.pause).toHaveBeenCalledTimes(1);
    await stream.next();
    expect(source.resume).not.toHaveBeenCalled();
    await stream.next();
    expect(source.resume).toHaveBeenCalledTimes(1);
  });

  it('pauses its source while the reader is far behind, however long, and loses nothing', async () => {
    const { stream, source } = opened();
    let pushed = 0;
    let most = 0;
    let read = 0;
    const state = { paused: false };
    source.pause.mockImplementation(() => (state.paused = true));
    source.resume.mockImplementation(() => (state.paused = false));
    const first = stream.next();
    const fill = (): void => {
      while (!state.paused && pushed < 100_000) stream.push(pushed++, 1);
      most = Math.max(most, pushed - read);
    };
    fill();
    expect((await first).value).toBe(0);
    for (read = 1; read < 100_000; read++) {
      expect((await stream.next()).value).toBe(read);
      fill();
    }
    expect(most).toBeLessThanOrEqual(1_025);
    expect(source.resume.mock.calls.length).toBeGreaterThan(100);
    expect(source.pause.mock.calls.length - source.resume.mock.calls.length).toBeLessThanOrEqual(1);
  });
});

describe('the reader of a CallStream', () => {
  it('is told of once after a tenth of the limit, and loses the call at the limit', async () => {
    const { stream, source, clock } = await left(3, 600_000);
    const { idleSince } = stream;
    expect(idleSince).toBe(clock.monotonic());
    clock.pass(59_999);
    expect(source.warn).not.toHaveBeenCalled();
    clock.pass(1);
    expect(source.warn.mock.calls).toEqual([[60_000]]);
    clock.pass(539_999);
    expect(stream.idleSince).toBe(idleSince);
    expect(source.expire).not.toHaveBeenCalled();
    clock.pass(1);
    expect(source.warn).toHaveBeenCalledTimes(1);
    expect(source.expire.mock.calls).toEqual([[600_000]]);
    stream.fail(broken);
    expect(await stream.next()).toEqual(item(1));
    expect(await stream.next()).toEqual(item(2));
    await expect(stream.next()).rejects.toBe(broken);
    expect(clock.pending).toBe(0);
  });

  it('is never idle while it waits in next(), nor after it has read all that came', async () => {
    const { stream, source, clock } = await left(2, 10_000);
    expect(await stream.next()).toEqual(item(1));
    expect(stream.idleSince).toBeUndefined();
    clock.pass(1_000_000);
    const waiting = stream.next();
    clock.pass(1_000_000);
    expect(clock.pending).toBe(0);
    stream.push(2, 1);
    expect(await waiting).toEqual(item(2));
    expect(source.warn).not.toHaveBeenCalled();
    expect(source.expire).not.toHaveBeenCalled();
  });

  it('may take its time for each item, if it does not reach the limit', async () => {
    const { stream, source, clock } = await left(100, 10_000);
    for (let n = 1; n < 100; n++) {
      clock.pass(8_000);
      expect(await stream.next()).toEqual(item(n));
    }
    expect(source.warn).toHaveBeenCalledTimes(99);
    expect(source.expire).not.toHaveBeenCalled();
  });

  it('is idle from the first look after its last read on', async () => {
    const { stream, source, clock } = await left(3, 10_000);
    clock.pass(5_500);
    await stream.next();
    expect(stream.idleSince).toBeUndefined();
    clock.pass(500);
    expect(stream.idleSince).toBe(clock.monotonic());
    clock.pass(9_999);
    expect(source.expire).not.toHaveBeenCalled();
    clock.pass(1);
    expect(source.expire.mock.calls).toEqual([[10_000]]);
  });

  it('costs one timer a second while it is behind, whatever it reads', async () => {
    const { stream, clock } = opened(600_000);
    const set = vi.spyOn(clock, 'setTimeout');
    const first = stream.next();
    for (let n = 0; n <= 10_000; n++) {
      stream.push(n, 1);
      if (n > 0 && n % 10 === 0) for (let read = 0; read < 10; read++) await stream.next();
    }
    await first;
    expect(set).toHaveBeenCalledTimes(1);
    expect(clock.pending).toBe(1);
    await stream.return();
    expect(clock.pending).toBe(0);
  });

  it('is not idle for as long as the program was held up, because nobody could read', async () => {
    const { source, clock } = await left(3, 10_000);
    clock.hold(3_600_000);
    expect(source.expire).not.toHaveBeenCalled();
    clock.pass(8_999);
    expect(source.expire).not.toHaveBeenCalled();
    clock.pass(1);
    expect(source.expire).toHaveBeenCalledTimes(1);
  });

  it('may leave everything unread where there is no limit, and it is known for how long', async () => {
    const { stream, source, clock } = await left(3, Infinity);
    const began = clock.monotonic();
    clock.pass(24 * 3_600_000);
    expect(stream.idleSince).toBe(began);
    expect(source.warn).not.toHaveBeenCalled();
    expect(source.expire).not.toHaveBeenCalled();
  });

  it('is not warned where the limit is shorter than a warning makes sense', async () => {
    const { source, clock } = await left(3, 500);
    clock.pass(500);
    expect(source.warn).not.toHaveBeenCalled();
    expect(source.expire.mock.calls).toEqual([[500]]);
  });

  it('is at fault no more once the call has ended, and no timer stays', async () => {
    const { stream, source, clock } = await left(3, 10_000);
    stream.end();
    expect(stream.idleSince).toBeUndefined();
    expect(clock.pending).toBe(0);
    clock.pass(100_000);
    expect(source.expire).not.toHaveBeenCalled();
    expect(await stream.next()).toEqual(item(1));
  });
});
