import { gotText } from '../text/expected.ts';
import { isSecretName } from '../text/secret-names.ts';
import { jsonSchemaOf } from './json-schema.ts';
import type { AnyPlugin } from './load-plugin.ts';
import { PluginError } from './plugin-error.ts';
import { describeIssues, isStandardSchema, type StandardIssue } from './standard-schema.ts';

/** The JSON Schema of the plugin's config as plain data, or null where it has none or cannot say it. */
export function configSchemaOf({ config }: AnyPlugin): unknown {
  return config === undefined ? null : (jsonSchemaOf(config, 'input', 'config schema') ?? null);
}

/** Parses a config with the plugin's own schema. A plain JSON Schema is the host's to check. */
export async function parseConfig({ config: schema }: AnyPlugin, given: unknown): Promise<unknown> {
  if (schema === undefined || !isStandardSchema(schema)) return given;
  const result = await schema['~standard'].validate(given);
  if (result.issues === undefined) return result.value;
  const { text, issues } = describeIssues(result.issues.map((issue) => withValue(issue, given)));
  throw new ConfigError(`The config does not fit: ${text}`, { category: 'input', details: { issues } });
}

/** With the value that does not fit, unless it is likely to be secret. */
function withValue(issue: StandardIssue, config: unknown): StandardIssue {
  const names = (issue.path ?? []).map((step) => (typeof step === 'object' ? step.key : step));
  if (names.some((name) => isSecretName(String(name)))) return issue;
  const value = names.reduce<unknown>(
    (whole, name) => (typeof whole === 'object' && whole !== null ? Reflect.get(whole, name) : undefined),
    config,
  );
  return { ...issue, message: `${issue.message}, got ${value === undefined ? 'nothing' : gotText(value)}` };
}

class ConfigError extends PluginError {
  override readonly name = 'ConfigError';
}
