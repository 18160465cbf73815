/**
 * A schema of any library that follows Standard Schema (https://standardschema.dev): zod, valibot, arktype and others.
 * Structural, so that neither this SDK nor a worker loads a schema library that its plugin does not.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** Standard JSON Schema: says the schema as JSON Schema; zod has it from 4.2 on. Throws where it cannot be said. */
    readonly jsonSchema?:
      | {
          readonly input: (options: JsonSchemaOptions) => Record<string, unknown>;
          readonly output?: ((options: JsonSchemaOptions) => Record<string, unknown>) | undefined;
        }
      | undefined;
  };
}

/** How a schema is to say itself. The last is each library's own. */
interface JsonSchemaOptions {
  readonly target: string;
  readonly libraryOptions?: Record<string, unknown> | undefined;
}

/** What a {@link StandardSchema} says of a value: the parsed value, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong with a value. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** How many things that are wrong with a value are told. */
const MAX_ISSUES = 20;

/** What is wrong with a value, as text and as plain data: each place, {@link MAX_ISSUES} at most. */
export function describeIssues(issues: readonly StandardIssue[]): {
  readonly text: string;
  readonly issues: readonly { readonly message: string; readonly path: string }[];
} {
  const told = issues.slice(0, MAX_ISSUES).map(({ message, path }) => ({ message, path: pathText(path) }));
  const texts = told.map(({ message, path }) => (path === '' ? message : `${path}: ${message}`));
  if (issues.length > MAX_ISSUES) texts.push(`and ${issues.length - MAX_ISSUES} more`);
  return { text: texts.join('; '), issues: told };
}

function pathText(path: StandardIssue['path'] = []): string {
  return path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
}

/** Whether a value is a schema of a library, not a plain JSON Schema. */
export function isStandardSchema(value: object): value is StandardSchema {
  return '~standard' in value;
}
