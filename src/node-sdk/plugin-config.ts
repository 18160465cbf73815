import type { AnyPlugin } from './load-plugin.ts';
import { PluginError } from './plugin-error.ts';
import { createPluginLog } from './plugin-log.ts';
import { isStandardSchema, type StandardIssue } from './standard-schema.ts';

/** The JSON Schema of the plugin's config as plain data, or null where it has none or cannot say it. */
export function configSchemaOf({ config }: AnyPlugin): unknown {
  if (config === undefined) return null;
  if (!isStandardSchema(config)) return config;
  try {
    return config['~standard'].jsonSchema?.input({ target: 'draft-2020-12' }) ?? null;
  } catch (error) {
    createPluginLog().warn(`The config schema cannot be expressed as JSON Schema: ${String(error)}`);
    return null;
  }
}

/** Parses a config with the plugin's own schema. A plain JSON Schema is the host's to check. */
export async function parseConfig({ config: schema }: AnyPlugin, given: unknown): Promise<unknown> {
  if (schema === undefined || !isStandardSchema(schema)) return given;
  const result = await schema['~standard'].validate(given);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message, path }) => ({ message, path: pathText(path) }));
  const text = issues.map(({ message, path }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  throw new ConfigError(`The config does not fit: ${text}`, { category: 'input', details: { issues } });
}

class ConfigError extends PluginError {
  override readonly name = 'ConfigError';
}

function pathText(path: StandardIssue['path'] = []): string {
  return path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
}
