// @ts-check
// Listens at the socket of its first argument, and says so by go-plugin's line.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { LIMITS, service } from '../callers/grpc-service.mjs';
import { answer } from './answer.mjs';

const [, , socket = ''] = process.argv;
const server = new Server(LIMITS);
server.addService(service.service, {
  Answer(/** @type {any} */ { request }, /** @type {(error: null, value: object) => void} */ reply) {
    const { json, bytes } = request;
    reply(null, json === '' ? { bytes } : { json: JSON.stringify(answer(JSON.parse(json))) });
  },
});
server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  console.log(`1|1|unix|${socket}|grpc`);
});
process.stdin.resume().on('end', () => process.exit());
