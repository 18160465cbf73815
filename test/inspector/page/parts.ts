import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { readPageFile } from '../../../src/inspector/page-files.ts';

/** The parts of the page in a real browser, under the headers that the inspector's server sends. */
export interface Parts {
  /** A fresh page; what it logs as an error, and what it asks for that is not there, is put into `faults`. */
  open(options?: { readonly dark?: boolean; readonly width?: number; readonly height?: number }): Promise<OpenPart>;
  close(): Promise<void>;
}

/** A page that is open. */
export interface OpenPart {
  readonly page: Page;
  readonly faults: string[];
  /** The paths of the files it has loaded. */
  readonly loaded: string[];
}

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'";

/** Where a browser lies that the tests can drive; undefined where there is none. */
export function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
}

/** Builds the parts and starts a browser. */
export async function startParts(executablePath: string): Promise<Parts> {
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
  const { port } = server.address() as AddressInfo;
  const browser: Browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  return {
    async open({ dark = false, width = 900, height = 640 } = {}) {
      const page = await browser.newPage({ colorScheme: dark ? 'dark' : 'light', viewport: { width, height } });
      const faults: string[] = [];
      const loaded: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
      page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.waitForFunction(() => 'bench' in globalThis);
      return { page, faults, loaded };
    },
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
