import type { IncomingMessage, ServerResponse } from 'node:http';
import { UnreadBody, welcomeBody } from '../server/body.ts';
import { FormBody } from './form-body.ts';
import { badForm, FormScanner, type FormValue } from './form-scanner.ts';
import { modelInQuery } from './model-in-query.ts';
import type { ModelRequest } from './model-request.ts';
import { Spool } from './spool.ts';
import type { SpoolSpace } from './spool-space.ts';

/** How long the client may pause within a form, in milliseconds. */
const IDLE_MS = 30_000;

/** The most bytes that are put aside until the model is known. */
const MAX_SPOOLED_BYTES = 1024 * 1024 * 1024;

/** The boundary of a form, from its content type. Throws `BadModelRequest` where there is none. */
export function boundaryOf(type: string): string {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]{1,200})"|([^;\s"]{1,200}))/i.exec(type) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) throw badForm('its content type has no boundary');
  return boundary;
}

/**
 * A request that is a form. Clients send its file first, so all that comes before the model is put aside; the rest is
 * passed on as it comes.
 */
export async function readForm(
  request: IncomingMessage,
  response: ServerResponse,
  boundary: string,
  query: URLSearchParams,
  space: SpoolSpace,
): Promise<ModelRequest> {
  welcomeBody(request, response);
  const spool = new Spool(space);
  try {
    const found = await findModel(request, spool, new FormScanner(boundary, 'model'));
    const model = found === undefined || found.text === '' ? modelInQuery(query) : found.text;
    let body: FormBody | undefined;
    return {
      model,
      stream: false,
      rewrite({ use_model_name: name }) {
        const edit = name === undefined || found === undefined ? undefined : { ...found, text: Buffer.from(name) };
        body = new FormBody(spool, edit, request, IDLE_MS);
        return { body, bodyLength: body.bytes };
      },
      async discard() {
        body?.destroy();
        await spool.remove();
      },
    };
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

/** Puts the form aside until its model was seen; undefined where it has none. */
function findModel(request: IncomingMessage, spool: Spool, scanner: FormScanner): Promise<FormValue | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      request.pause();
      request.off('data', onData).off('end', onEnd).off('error', fail).off('close', onClose);
      // Errors of a request that nobody reads end the program.
      request.on('error', () => {});
    };
    const fail = (error: Error): void => {
      stop();
      reject(error);
    };
    // The end comes while the last bytes are still being kept.
    let last = Promise.resolve();
    const onEnd = (): void => {
      clearTimeout(timer);
      void last.then(() => {
        stop();
        resolve(undefined);
      });
    };
    const onClose = (): void => {
      if (!request.readableEnded) fail(new Error('The client has gone.'));
    };
    const keep = async (chunk: Buffer): Promise<FormValue | undefined> => {
      if (spool.size + chunk.length > MAX_SPOOLED_BYTES) throw tooLong();
      await spool.add(chunk);
      return scanner.push(chunk);
    };
    const onData = (chunk: Buffer): void => {
      timer.refresh();
      // One after the other, and no faster than they can be written.
      request.pause();
      last = keep(chunk).then((found) => {
        if (found === undefined) return void request.resume();
        stop();
        resolve(found);
      }, fail);
    };
    const timer = setTimeout(
      () => fail(new UnreadBody(408, `No part of the body came for ${IDLE_MS / 1_000} s.`)),
      IDLE_MS,
    );
    request.on('data', onData).on('end', onEnd).on('error', fail).on('close', onClose);
  });
}

function tooLong(): UnreadBody {
  const text = `The form has more than ${MAX_SPOOLED_BYTES} bytes before its field "model". Send that field first.`;
  return new UnreadBody(413, text);
}
