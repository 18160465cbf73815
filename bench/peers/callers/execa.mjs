// @ts-check

import { fileURLToPath } from 'node:url';
import { execaNode } from 'execa';
import { killed } from './killed.mjs';
import { Replies } from './replies.mjs';

const WORKER = fileURLToPath(new URL('../workers/execa-worker.mjs', import.meta.url));

export async function open() {
  return {
    start() {
      // Without `buffer: false` execa keeps every message for the result of the process.
      const child = execaNode(WORKER, [], { ipc: true, buffer: false, stdin: 'ignore', reject: false });
      const replies = new Replies();
      void readAll(child, replies);
      const call = (/** @type {object} */ input) => replies.ask(({ id }) => child.sendMessage({ id, input }));
      return { call, bytes: call, stop: () => killed(child) };
    },
  };
}

/** @param {ReturnType<typeof execaNode>} child @param {Replies} replies */
async function readAll(child, replies) {
  for await (const message of child.getEachMessage()) replies.settle(/** @type {any} */ (message));
  replies.fail();
}
