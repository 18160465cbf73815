import type { PluginContext } from '../../machines/plugin.ts';
import type { PluginRecord } from '../../runtime/plugin-record.ts';
import type { Redactor } from '../redaction/redaction.ts';
import type { JsonObject } from '../wire.ts';
import type { Views } from './views.ts';

/** A payload of up to this many characters is part of its record; a longer one is fetched. */
const SHORT = 1_024;
/** Of a payload that is longer than this many characters, nothing is kept but its beginning. */
const LONGEST = 65_536;

/** What an event says beside its type: in its record, or apart as JSON where it is too long for that. */
export interface EventPayload {
  readonly inline?: JsonObject | undefined;
  readonly apart?: string | undefined;
}

/** The same of an event without secrets. `record` is the plugin it goes to, or whose worker it goes to. */
export function payloadOf(
  { type, ...rest }: { readonly type: string },
  record: PluginRecord | undefined,
  { views, redactor }: { readonly views: Views; readonly redactor: Redactor },
): EventPayload {
  // What an actor is made of is in its context, as far as it is to be shown.
  if (type === 'xstate.init' || Object.keys(rest).length === 0) return {};
  for (const manifest of manifestsIn(rest)) views.learn(manifest);
  const shown = redactor.json(record === undefined ? rest : withShownConfig(type, rest, record, views)) as JsonObject;
  const text = JSON.stringify(shown);
  if (text.length <= SHORT) return { inline: shown };
  return { apart: text.length <= LONGEST ? text : JSON.stringify(`${text.slice(0, LONGEST)}…`) };
}

/** A config is shown by its schema, since its names may not look secret. */
function withShownConfig(
  type: string,
  fields: Readonly<Record<string, unknown>>,
  { entry: { manifest } }: PluginRecord,
  views: Views,
): Record<string, unknown> {
  const shown = { ...fields };
  const show = (config: unknown): unknown => views.config(config, manifest);
  const { config, output } = fields;
  if (type === 'LOAD') shown['config'] = config && { value: show((config as { value: unknown }).value) };
  else if ('config' in fields) shown['config'] = show(config);
  // An actor that gives a plugin its config ends with what the plugin has taken.
  if ('output' in fields) shown['output'] = show(output);
  return shown;
}

/** The manifests that an event brings. */
function manifestsIn(event: Readonly<Record<string, unknown>>): PluginContext['entry']['manifest'][] {
  const { changes, entry, output } = event;
  return [changes, output, { entry }]
    .flat()
    .flatMap((each) => (each as { entry?: PluginContext['entry'] } | undefined)?.entry?.manifest ?? []);
}
