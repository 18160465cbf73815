import { expect, expectTypeOf, test } from 'vitest';
import { type ErrorDetails, GreenroomError, type RemoteError } from '../src/index.ts';

const REMOTE: RemoteError = { type: 'ValueError', message: 'no', category: 'input', retryable: false };

test('the code of an error says what its remote and its details are', () => {
  const errors: unknown[] = [
    new GreenroomError('E_REMOTE', 'It raised.', { remote: REMOTE }),
    new GreenroomError('E_MEMORY', 'It is too large.', { details: { memoryRssMb: 2, maxRssMb: 1 } }),
    new GreenroomError('E_DISABLED', 'It is disabled.'),
    new Error('Another.'),
  ];
  const seen: unknown[] = [];
  for (const error of errors) {
    if (!(error instanceof GreenroomError)) continue;
    expectTypeOf(error.remote).toEqualTypeOf<RemoteError | undefined>();
    if (error.code === 'E_REMOTE') {
      expectTypeOf(error.remote).toEqualTypeOf<RemoteError>();
      seen.push(error.remote.category);
    } else if (error.code === 'E_MEMORY') {
      expectTypeOf(error.remote).toEqualTypeOf<undefined>();
      expectTypeOf(error.details).toEqualTypeOf<ErrorDetails<'E_MEMORY'>>();
      seen.push(error.details.memoryRssMb);
    } else if (error.code === 'E_DISABLED') {
      expectTypeOf(error.details).toEqualTypeOf<undefined>();
      seen.push(error.details);
    } else if (error.code === 'E_INPUT') {
      // Of the shapes that there are, each field can be asked for.
      expectTypeOf(error.details?.tool).toEqualTypeOf<string | undefined>();
    }
  }
  expect(seen).toEqual(['input', 2, undefined]);
});

test('what is no GreenroomError is known not to be one', () => {
  const settled = (of: string | GreenroomError): string => {
    if (of instanceof GreenroomError) return of.code;
    expectTypeOf(of).toEqualTypeOf<string>();
    return of;
  };
  expect([settled('done'), settled(new GreenroomError('E_HUNG', 'It hangs.'))]).toEqual(['done', 'E_HUNG']);
});

test('an error cannot be made without what its code promises', () => {
  // @ts-expect-error -- It has the plugin's own error.
  expect(new GreenroomError('E_REMOTE', 'It raised.', {})).toBeInstanceOf(Error);
  // @ts-expect-error -- These are the details of another code.
  expect(new GreenroomError('E_START', 'It ended.', { details: { waiting: 1 } })).toBeInstanceOf(Error);
});
