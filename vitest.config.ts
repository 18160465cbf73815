import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Workers are started from the build, as users start them, so the build must be that of these sources.
    globalSetup: ['test/build.ts'],
    setupFiles: ['test/seed.ts'],
    // Most tests wait for processes of their own, so a core has time for more than one file.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
  },
});
