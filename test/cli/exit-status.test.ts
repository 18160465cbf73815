import { expect, test } from 'vitest';
import { EXIT_STATUSES, STATUS_OF_CODE } from '../../src/cli/exit-status.ts';
import { ERROR_CODES } from '../../src/errors.ts';

test('every error code has an exit status that the help explains, and none says that all is well', () => {
  expect(Object.keys(STATUS_OF_CODE).toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  for (const status of Object.values(STATUS_OF_CODE)) {
    expect(status).not.toBe(0);
    expect(EXIT_STATUSES).toHaveProperty(String(status));
  }
});
