import { expect, test } from 'vitest';
import { Ledger } from '../../src/scheduler/ledger.ts';
import { NOTHING, type Resources } from '../../src/scheduler/need.ts';
import { lru } from '../../src/scheduler/policies/lru.ts';
import { residentKey } from '../../src/scheduler/resident-key.ts';

const ref = {} as never;
const ram = (ramMb: number, slots = 1): Resources => ({ vramMb: 0, ramMb, slots });
const used = (plugin: string, ramMb: number, vramMb?: number) => [{ plugin, generation: 1, ramMb, vramMb }];

function ledgerWith(plugin: string, need: Resources, capacity: Partial<Resources> = {}) {
  const ledger = new Ledger(capacity, lru);
  ledger.reserve(plugin, 1, ref, need, 0);
  const reservation = ledger.get(residentKey({ plugin }), 1);
  ledger.advance(0);
  if (reservation === undefined) throw new Error('nothing was reserved');
  return { ledger, reservation };
}

test('of what is loading, a measurement shows as much as its processes use', () => {
  const { ledger } = ledgerWith('a', ram(1_000));
  ledger.measure({ free: { ramMb: 5_000 }, at: 1 });
  expect(ledger.available(NOTHING).ramMb).toBe(4_000);
  ledger.measure({ free: { ramMb: 4_700 }, used: used('a', 300), at: 2 });
  expect(ledger.available(NOTHING).ramMb).toBe(4_000);
  ledger.measure({ free: { ramMb: 3_900 }, used: used('a', 1_100), at: 3 });
  expect(ledger.available(NOTHING).ramMb).toBe(3_900);
});

test('what has loaded is measured, however little of what was reserved it uses', () => {
  const { ledger, reservation } = ledgerWith('a', ram(1_000));
  ledger.idle(reservation, 10);
  ledger.measure({ free: { ramMb: 4_700 }, used: used('a', 300), at: 9 });
  expect(ledger.available(NOTHING).ramMb).toBe(4_000);
  ledger.measure({ free: { ramMb: 4_700 }, used: used('a', 300), at: 10 });
  expect(ledger.available(NOTHING).ramMb).toBe(4_700);
});

test('a resident has reserved what it asked for, or the most it was measured to use', () => {
  const { ledger, reservation } = ledgerWith('a', ram(1_000), { ramMb: 4_000, slots: 3 });
  ledger.idle(reservation, 1);
  expect(ledger.measure({ free: {}, used: used('a', 300), at: 2 })).toEqual([]);
  expect(ledger.available(NOTHING)).toMatchObject({ ramMb: 3_000, slots: 2 });
  expect(ledger.measure({ free: {}, used: used('a', 1_500.2), at: 3 })).toEqual([reservation]);
  expect(ledger.available(NOTHING)).toMatchObject({ ramMb: 2_499, slots: 2 });
  expect(ledger.evictable).toEqual(ram(1_501));
  expect(ledger.measure({ free: {}, used: used('a', 200), at: 4 })).toEqual([]);
  expect(ledger.available(NOTHING)).toMatchObject({ ramMb: 2_499 });
  expect(reservation.used).toEqual(ram(200));
  ledger.free(reservation, 5);
  expect(ledger.reserved).toEqual(NOTHING);
  expect(ledger.evictable).toEqual(NOTHING);
});

test('memory of GPUs that is not told leaves what was asked for', () => {
  const { ledger, reservation } = ledgerWith('a', { vramMb: 700, ramMb: 0, slots: 1 }, { vramMb: 1_000 });
  ledger.idle(reservation, 1);
  ledger.measure({ free: {}, used: used('a', 20), at: 2 });
  expect(ledger.available(NOTHING).vramMb).toBe(300);
  ledger.measure({ free: {}, used: used('a', 20, 800), at: 3 });
  expect(ledger.available(NOTHING).vramMb).toBe(200);
});

test('a warm one has reserved what it uses since it went warm', () => {
  const { ledger, reservation } = ledgerWith('a', ram(1_000), { ramMb: 4_000 });
  ledger.idle(reservation, 1);
  ledger.warm(reservation, ram(200), 5);
  ledger.measure({ free: {}, used: used('a', 1_000), at: 4 });
  expect(ledger.available(NOTHING).ramMb).toBe(3_800);
  ledger.measure({ free: {}, used: used('a', 80), at: 6 });
  expect(ledger.available(NOTHING).ramMb).toBe(3_920);
  ledger.reserve('a', 1, ref, ram(1_000), 7);
  expect(ledger.available(NOTHING).ramMb).toBe(3_000);
});

test('of what it has not asked for nothing is reserved, however much it uses', () => {
  const { ledger, reservation } = ledgerWith('a', ram(0), { ramMb: 1_000, vramMb: 1_000, slots: 2 });
  ledger.idle(reservation, 1);
  expect(ledger.measure({ free: {}, used: used('a', 500, 500), at: 2 })).toEqual([]);
  expect(ledger.available(NOTHING)).toEqual({ ramMb: 1_000, vramMb: 1_000, slots: 1 });
  expect(reservation.used).toEqual({ ramMb: 500, vramMb: 500, slots: 1 });
});

test('what is on its way out counts as it did when it was told to go', () => {
  const { ledger, reservation } = ledgerWith('a', ram(1_000), { ramMb: 4_000 });
  ledger.idle(reservation, 1);
  ledger.leave(reservation, 'RELEASE');
  ledger.measure({ free: {}, used: used('a', 2_000), at: 2 });
  expect(ledger.reserved).toEqual(ram(1_000));
});

test('what is measured of a generation that holds nothing changes nothing', () => {
  const { ledger } = ledgerWith('a', ram(1_000), { ramMb: 4_000 });
  expect(ledger.measure({ free: {}, used: used('b', 2_000), at: 2 })).toEqual([]);
  expect(ledger.reserved).toEqual(ram(1_000));
});
