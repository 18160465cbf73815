import { MAX_FIELDS, type ObjectField, objectFields } from '../json/object-fields.ts';
import type { Manifest } from '../manifest/schema.ts';
import { BadModelRequest } from './failure.ts';
import { modelInQuery } from './model-in-query.ts';
import type { ModelRequest } from './model-request.ts';

/** A request in JSON. Throws {@link BadModelRequest} where it is no object, or names its model twice or not at all. */
export function jsonRequest(body: Buffer, query: URLSearchParams): ModelRequest {
  const fields = objectFields(body);
  if (fields === undefined) throw bad(`The body is not a JSON object of at most ${MAX_FIELDS} fields.`, 'invalid_json');
  const named = fields.filter(({ name }) => name === 'model');
  // Of two, this program might read the one and the server the other.
  if (named.length > 1) throw bad('The body has "model" twice; send it once.', 'invalid_json');
  const [field] = named;
  const model = field === undefined ? modelInQuery(query) : valueOf(body, field);
  if (typeof model !== 'string') throw bad('"model" must be a text.', 'invalid_type');
  return {
    model,
    stream: isStream(body, fields),
    rewrite: (manifest) => ({ body: rewritten(body, fields, model, manifest) }),
    discard: async () => {},
  };
}

function isStream(body: Buffer, fields: readonly ObjectField[]): boolean {
  const field = fields.findLast(({ name }) => name === 'stream');
  return field !== undefined && body.toString('latin1', field.valueStart, field.end) === 'true';
}

/**
 * The body with what a manifest changes in it: fields removed, then set. What is not changed stays byte for byte, as numbers
 * do not survive being read and written.
 */
function rewritten(body: Buffer, fields: readonly ObjectField[], model: string, manifest: Manifest): Buffer {
  const { filters = {}, use_model_name: name } = manifest;
  const { strip = [], set, set_by_model: byModel = {} } = filters;
  const own = Object.hasOwn(byModel, model) ? byModel[model] : undefined;
  const changed = new Map(Object.entries({ ...(name !== undefined && { model: name }), ...set, ...own }));
  const stays = (field: ObjectField): boolean =>
    !changed.has(field.name) && (field.name === 'model' || !strip.includes(field.name));
  const kept = fields.filter(stays);
  if (changed.size === 0 && kept.length === fields.length) return body;
  const parts = [
    ...kept.map(({ start, end }) => body.subarray(start, end)),
    ...[...changed].map(([key, value]) => Buffer.from(`${JSON.stringify(key)}:${JSON.stringify(value)}`)),
  ];
  const comma = Buffer.from(',');
  const inner = parts.flatMap((part, index) => (index === 0 ? [part] : [comma, part]));
  return Buffer.concat([Buffer.from('{'), ...inner, Buffer.from('}')]);
}

function valueOf(body: Buffer, { valueStart, end }: ObjectField): unknown {
  try {
    return JSON.parse(body.toString('utf8', valueStart, end));
  } catch {
    throw bad('The body is not JSON that can be read: its "model" is broken.', 'invalid_json');
  }
}

function bad(message: string, code: string): BadModelRequest {
  return new BadModelRequest({ status: 400, message, code, param: 'model' });
}
