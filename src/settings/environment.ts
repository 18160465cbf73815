import { settingsShape } from './schema.ts';
import { type Variable, variables } from './variables.ts';

/** The environment variable of each setting that has one, by the name of the setting. */
export const VARIABLES: ReadonlyMap<string, Variable & { readonly name: string }> = new Map(
  Object.entries(settingsShape).flatMap(([setting, schema]) => {
    const variable = variables.get(schema);
    return variable === undefined ? [] : [[setting, { name: nameFor(setting), ...variable }]];
  }),
);

/** The settings that the environment gives, not yet checked. An empty variable counts as absent. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [setting, { name, read }] of VARIABLES) {
    const text = env[name];
    if (text !== undefined && text !== '') found[setting] = read(text);
  }
  return found;
}

/** `GREENROOM_MAX_WAIT_MS` for `maxWaitMs`. */
function nameFor(setting: string): string {
  return `GREENROOM_${setting.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
