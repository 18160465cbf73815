// Builds the page of the inspector into dist/inspector/ui/, from where the inspector serves it.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

// Else what runs the tests would have it built for tests, and larger.
process.env.NODE_ENV = 'production';

await build({
  configFile: false,
  logLevel: 'warn',
  root: fileURLToPath(new URL('../src/inspector/page/', import.meta.url)),
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: fileURLToPath(new URL('../dist/inspector/ui/', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    // What is inlined would be refused by the policy under which the page is served.
    assetsInlineLimit: 0,
    // What is loaded first has the names of all other files in it. Six letters tell the builds of one apart.
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash:6].js',
        chunkFileNames: 'assets/[name]-[hash:6].js',
        assetFileNames: 'assets/[name]-[hash:6][extname]',
      },
    },
    // To tell in advance what is loaded later costs more than it saves, as all comes from this machine.
    modulePreload: false,
    reportCompressedSize: false,
  },
});
