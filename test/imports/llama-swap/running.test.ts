import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openSupervisor } from '../../runtime/greenroom.ts';
import { importText } from './imported.ts';

const SERVER = fileURLToPath(new URL('../../fixtures/processes/http-server.mjs', import.meta.url));

test('what is imported runs: a model is loaded when it is asked and takes the place of another', async () => {
  const { manifests, settings } = importText(
    [
      'macros: { server: "${env.NODE} ${env.SCRIPT} --port" }',
      'models:',
      '  one: { cmd: "${server} ${PORT}", env: ["GREETING=hello"] }',
      '  two: { cmd: "${server} 9000", proxy: "http://localhost:9000" }',
    ].join('\n'),
    { NODE: process.execPath, SCRIPT: SERVER },
  );
  const { supervisor, snapshot } = await openSupervisor(Object.fromEntries(manifests), { ...settings, passEnv: [] });
  const about = (await (await supervisor.fetch('one', '/about')).json()) as { env: Record<string, string> };
  expect(about.env).toMatchObject({ GREETING: 'hello' });
  await (await supervisor.fetch('two', '/about')).text();
  expect([snapshot('one').state, snapshot('two').state]).toEqual(['released', 'ready']);
});
