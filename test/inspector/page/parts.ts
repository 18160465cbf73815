import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { readPageFile } from '../../../src/inspector/server/page-files.ts';

/** The parts of the page, each to be shown alone. */
export interface Parts {
  readonly url: string;
  close(): Promise<void>;
}

// As the inspector's server says it.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'";

/** Builds the parts and serves them under the policy of the page. */
export async function serveParts(): Promise<Parts> {
  const folder = await mkdtemp(join(tmpdir(), 'greenroom-parts-'));
  await build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('../../fixtures/inspector-page', import.meta.url)),
    base: './',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2023',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
  const server = createServer((request, response) => {
    void readPageFile(folder, request.url ?? '/').then((file) => {
      if (file === undefined) return response.writeHead(404).end();
      return response
        .writeHead(200, { 'content-type': file.type, 'content-security-policy': POLICY })
        .end(file.content);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
