import { expect, it } from 'vitest';
import { watchIdleEnd } from '../../src/daemon/idle-end.ts';

it('what is idle ends once, and only when no work is left', async () => {
  let asked = 0;
  const hasWork = async (): Promise<boolean> => {
    asked += 1;
    return asked < 4;
  };
  await new Promise<void>((resolve) => watchIdleEnd({ isNeeded: () => false, hasWork, limitMs: 1, onIdle: resolve }));
  expect(asked).toBe(4);
});

it('who comes while it is asked whether work is left keeps it', async () => {
  let isNeeded = false;
  let asked = 0;
  const hasWork = async (): Promise<boolean> => {
    asked += 1;
    isNeeded = asked === 1;
    return false;
  };
  await new Promise<void>((resolve) => {
    const look = (): boolean => {
      const was = isNeeded;
      isNeeded = false;
      return was;
    };
    watchIdleEnd({ isNeeded: look, hasWork, limitMs: 1, onIdle: resolve });
  });
  expect(asked).toBe(2);
});
