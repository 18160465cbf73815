import { expect, test } from 'vitest';
import { installFailure } from '../../src/packages/install-failure.ts';

const LOG = 'npm error A complete log of this run can be found in: /home/a/.npm/_logs/x.log';

test.each([
  [
    'a package that is not there',
    ['npm error code E404', 'npm error 404 Not Found - GET https://r/x - Not found', 'npm error 404', LOG],
    '404 Not Found - GET https://r/x - Not found',
  ],
  [
    'a registry that cannot be reached',
    [
      'npm warn exec The following package was not found and will be installed: x@1',
      'npm ERR! code ENOTFOUND',
      'npm ERR! syscall getaddrinfo',
      'npm ERR! errno ENOTFOUND',
      'npm ERR! network request to https://r/x failed, reason: getaddrinfo ENOTFOUND r',
      LOG,
    ],
    'network request to https://r/x failed, reason: getaddrinfo ENOTFOUND r',
  ],
  ['another program', ['Resolving …', '\u001B[31merror: no such package\u001B[0m', ''], 'error: no such package'],
  ['nothing', ['', ' '], ''],
])('of %s the reason is told', (_what, lines, expected) => {
  expect(installFailure(lines)).toBe(expected);
});
