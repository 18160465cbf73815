import type { Json } from '../wire.ts';
import { REDACTED } from './secrets.ts';

/** A text in which these do not show. */
export function withoutTexts(text: string, secrets: readonly string[]): string {
  return secrets.reduce((clean, secret) => clean.replaceAll(secret, REDACTED), text);
}

/** A value in whose texts these do not show. */
export function withoutValues(value: Json, secrets: readonly string[]): Json {
  if (secrets.length === 0) return value;
  if (typeof value === 'string') return withoutTexts(value, secrets);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => withoutValues(item, secrets));
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, Json>>).map(([key, inner]) => [key, withoutValues(inner, secrets)]),
  );
}
