import { isBytes, writeJson } from './exact-json.ts';

/**
 * A value as JSON that people and programs read: integers of any size in digits, bytes as base64; on several lines, each
 * level indented by `indent` spaces, if there are any. Data that was read from JSON is written so that reading it again
 * gives the same numbers; of anything else, what JSON.stringify would write.
 */
export function printedJson(value: unknown, indent = 0): string {
  return printed(value, '', ' '.repeat(indent)) ?? 'null';
}

function printed(given: unknown, margin: string, step: string): string | undefined {
  const value = plainForm(given);
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? writeJson(value, 'value') : 'null';
    case 'bigint':
      return String(value);
    case 'object':
      break;
    default:
      return JSON.stringify(value);
  }
  if (value === null) return 'null';
  if (isBytes(value)) return `"${base64Of(value)}"`;
  const inner = margin + step;
  if (Array.isArray(value)) {
    const items = Array.from(value, (item: unknown) => printed(item, inner, step) ?? 'null');
    return enclosed('[', items, ']', margin, step);
  }
  const fields: string[] = [];
  for (const [name, field] of Object.entries(value)) {
    const text = printed(field, inner, step);
    if (text !== undefined) fields.push(`${JSON.stringify(name)}:${step === '' ? '' : ' '}${text}`);
  }
  return enclosed('{', fields, '}', margin, step);
}

function plainForm(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isBytes(value)) return value;
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function' ? toJSON.call(value) : value;
}

function enclosed(open: string, parts: readonly string[], close: string, margin: string, step: string): string {
  if (parts.length === 0) return open + close;
  if (step === '') return `${open}${parts.join(',')}${close}`;
  const inner = margin + step;
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${close}`;
}

function base64Of(bytes: ArrayBufferView | ArrayBufferLike): string {
  const view = ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes);
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64');
}
