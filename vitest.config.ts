import { defineConfig } from 'vitest/config';

const shared = {
  setupFiles: ['test/seed.ts'],
  // How long a test may hang, not how long it should take: a machine may be several times slower than ours.
  testTimeout: 90_000,
  hookTimeout: 90_000,
  expect: { poll: { timeout: 60_000 } },
};

/** What is about calls, and must be the same over both versions of the worker protocol. */
const ABOUT_CALLS = [
  'test/runtime/calls.test.ts',
  'test/runtime/cancel-calls.test.ts',
  'test/runtime/starved-call.test.ts',
  'test/runtime/idle-stream.test.ts',
  'test/runtime/dropped-stream.test.ts',
  'test/runtime/tools.test.ts',
  'test/runtime/traceparent.test.ts',
  'test/runtime/end-of-drain.test.ts',
  'test/inspector/told-calls.test.ts',
];

/** What tests whole programs as people meet them: commands, pages in a browser, clients of MCP, kills. It takes most of the time. */
const END_TO_END = [
  'test/chaos/**/*.test.ts',
  'test/cli/**/*.test.ts',
  'test/docs.test.ts',
  'test/examples/**/*.test.ts',
  'test/faults/**/*.test.ts',
  'test/inspector/page/**/*.test.ts',
  'test/mcp-front/**/*.test.ts',
  'test/messages/**/*.test.ts',
  'test/python-envs/**/*.test.ts',
  'test/sync/**/*.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'parts', include: ['test/**/*.test.ts'], exclude: END_TO_END } },
      { test: { ...shared, name: 'end-to-end', include: END_TO_END } },
      {
        test: { ...shared, name: 'protocol 1', include: ABOUT_CALLS, env: { GREENROOM_PROTOCOL: '1' } },
      },
    ],
    // Workers are started from the build, as users start them, so the build must be that of these sources.
    globalSetup: ['test/build.ts', 'scripts/python-first.mjs'],
    // Most tests wait for processes of their own, so a core has time for more than one file.
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
  },
});
