import { expect, test } from 'vitest';
import { Gathering } from '../../../src/jobs/redis/gathering.ts';

/** A gathering whose acts end when they are told to: with their items, or an error. */
function heldGathering(): {
  asked: (readonly number[])[];
  end: (error?: Error) => void;
  gathering: Gathering<number, string>;
} {
  const asked: (readonly number[])[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const gathering = new Gathering<number, string>((items) => {
    asked.push(items);
    return new Promise((resolve, reject) => {
      ends.push((error) => (error === undefined ? resolve(items.map((item) => `did ${item}`)) : reject(error)));
    });
  });
  return { asked, end: (error) => ends.shift()?.(error), gathering };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what is asked in one turn is done at once, and what is asked until then at once after it', async () => {
  const { asked, end, gathering } = heldGathering();
  const first = [1, 2].map((item) => gathering.ask(item));
  await turn();
  const then = [3, 4, 5].map((item) => gathering.ask(item));
  await turn();
  expect(asked).toEqual([[1, 2]]);
  end();
  expect(await Promise.all(first)).toEqual(['did 1', 'did 2']);
  await turn();
  expect(asked).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  end();
  expect(await Promise.all(then)).toEqual(['did 3', 'did 4', 'did 5']);
});

test('what fails fails for those that were done at once, and those after it are done', async () => {
  const { end, gathering } = heldGathering();
  const first = gathering.ask(1).catch((error: unknown) => error);
  await turn();
  const second = gathering.ask(2);
  end(new Error('refused'));
  expect(await first).toMatchObject({ message: 'refused' });
  await turn();
  end();
  expect(await second).toBe('did 2');
});

test('what waits behind something that fails does not stand in line to fail after it', async () => {
  const { asked, end, gathering } = heldGathering();
  const all = Array.from({ length: 200 }, (_, item) => gathering.ask(item).catch(() => 'failed'));
  await turn();
  end(new Error('no answer'));
  await all[0];
  await turn();
  expect(asked.map(({ length }) => length)).toEqual([64, 64, 64, 8]);
  // What comes then goes on its own again, once one is answered.
  for (let part = 0; part < 3; part += 1) end();
  expect((await Promise.all(all)).filter((answer) => answer === 'failed')).toHaveLength(64);
  const more = Array.from({ length: 65 }, (_, item) => gathering.ask(item));
  await turn();
  expect(asked).toHaveLength(5);
  end();
  await more[0];
  await turn();
  end();
  await Promise.all(more);
});

test('no more than 64 are done at once', async () => {
  const { asked, end, gathering } = heldGathering();
  const all = Array.from({ length: 100 }, (_, item) => gathering.ask(item));
  await turn();
  end();
  await all[0];
  await turn();
  end();
  await Promise.all(all);
  expect(asked.map(({ length }) => length)).toEqual([64, 36]);
});
