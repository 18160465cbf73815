import { expect, test, vi } from 'vitest';
import { becomes, door, openSupervisor, startCall } from '../runtime/greenroom.ts';

const big = (mb: number) => ({ fixture: 'workbench', resources: { min_system_ram_mb: mb } });

test('a supervisor says what its scheduler would decide, and evicts nothing for the question', async () => {
  const opened = await openSupervisor(
    { one: big(600), two: big(600), small: big(100), huge: big(5_000) },
    { capacity: { ramMb: 1_000 } },
  );
  const { supervisor } = opened;
  const { standingOf } = supervisor.jobPort;
  expect(standingOf('one').state).toBe('cold');
  expect(standingOf('one').prospect()).toEqual({ outcome: 'grant' });
  expect(standingOf('huge').prospect()).toEqual({ outcome: 'never' });
  expect(standingOf('none').state).toBe('unable');

  const gate = door(opened);
  const call = startCall(opened, 'one', { do: 'wait', for: gate.file });
  await call.running;
  expect(standingOf('one')).toMatchObject({ state: 'warm', calls: 1 });
  expect(standingOf('two').prospect()).toEqual({ outcome: 'wait' });
  expect(standingOf('small').prospect()).toEqual({ outcome: 'grant' });

  gate.open();
  await call.result;
  await becomes(opened, 'one', { state: 'ready' });
  const decisions = vi.fn();
  supervisor.on('decision', decisions);
  expect(standingOf('two').prospect()).toMatchObject({ outcome: 'evict', victims: ['one'] });
  expect(decisions).not.toHaveBeenCalled();
  expect(standingOf('one').state).toBe('warm');

  supervisor.disable('one');
  expect(standingOf('one').state).toBe('unable');
});
