// @ts-check

import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Without it a message has at most 4 MiB. */
export const LIMITS = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

const definition = loadSync(fileURLToPath(new URL('../workers/answer.proto', import.meta.url)), { defaults: true });

/** The constructor of clients, with the description of the service. */
export const service = /** @type {any} */ (loadPackageDefinition(definition)).peers.Worker;
