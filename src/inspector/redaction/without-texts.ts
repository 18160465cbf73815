import type { Json } from '../wire.ts';
import { SecretTexts, withoutFound } from './secret-texts.ts';
import { REDACTED } from './secrets.ts';

/** A text in which these do not show, in none of the forms that {@link SecretTexts} knows. */
export function withoutTexts(text: string, secrets: readonly string[]): string {
  return secrets.length === 0 ? text : hiding(secrets)(text);
}

/** A value in which these do not show: in its texts, its names and its numbers. */
export function withoutValues(value: Json, secrets: readonly string[]): Json {
  if (secrets.length === 0) return value;
  const hide = hiding(secrets);
  const clean = (part: Json): Json => {
    if (typeof part === 'string') return hide(part);
    if (typeof part === 'number') return secrets.includes(String(part)) ? REDACTED : part;
    if (typeof part !== 'object' || part === null) return part;
    if (Array.isArray(part)) return part.map(clean);
    const fields = Object.entries(part as Readonly<Record<string, Json>>);
    return Object.fromEntries(fields.map(([key, inner]) => [hide(key), clean(inner)]));
  };
  return clean(value);
}

function hiding(secrets: readonly string[]): (text: string) => string {
  const all = SecretTexts.of(secrets);
  return (text) => withoutFound(text, all.find(text));
}
