// @ts-check
import { fork } from 'node:child_process';
import { throughBase64 } from './base64.mjs';
import { killed } from './killed.mjs';
import { Replies } from './replies.mjs';

const WORKER = new URL('../workers/fork-worker.mjs', import.meta.url);

/** @param {'json' | 'advanced'} serialization */
export async function open(serialization) {
  return {
    start() {
      const child = fork(WORKER, [], { serialization });
      const replies = new Replies();
      child.on('message', (/** @type {any} */ message) => replies.settle(message));
      child.on('exit', () => replies.fail());
      const call = (/** @type {object} */ input) => replies.ask(({ id }) => child.send({ id, input }));
      return { call, bytes: serialization === 'json' ? throughBase64(call) : call, stop: () => killed(child) };
    },
  };
}
