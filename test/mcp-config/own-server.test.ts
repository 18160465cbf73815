import { expect, test } from 'vitest';
import { isOwnServer } from '../../src/mcp-config/own-server.ts';

test.each([
  ['greenroom mcp'],
  ['/usr/local/bin/greenroom mcp --compact'],
  ['C:\\npm\\greenroom.cmd mcp'],
  ['npx greenroom mcp'],
  ['npx -y greenroom@0.9.1 mcp'],
  ['npx -y -p greenroom greenroom mcp'],
  ['cmd /c npx -y greenroom mcp'],
  ['pnpm dlx greenroom mcp'],
  ['/opt/node/bin/node --no-warnings /srv/greenroom/bin/greenroom.js mcp'],
])('%s is Greenroom itself', (line) => {
  const [command = '', ...args] = line.split(' ');
  expect(isOwnServer({ command, args })).toBe(true);
});

test.each([
  ['npx -y @modelcontextprotocol/server-filesystem /srv/greenroom'],
  ['greenroom run files'],
  ['greenroom-notes mcp'],
  ['notes --of greenroom mcp'],
  ['node greenroom.js'],
  ['npx greenroom-mcp mcp'],
])('%s is another server', (line) => {
  const [command = '', ...args] = line.split(' ');
  expect(isOwnServer({ command, args })).toBe(false);
});
