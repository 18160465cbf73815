/** A part of a schema as zod gives it to its option `override`, once it has said it. As of zod 4. */
interface SaidPart {
  readonly zodSchema: ZodSchema;
  /** What zod has said, to be changed in place. */
  readonly jsonSchema: Record<string, unknown>;
}

interface ZodSchema {
  readonly _zod: ZodInternals;
}

interface ZodInternals {
  readonly optin?: string | undefined;
  readonly def: {
    readonly type: string;
    readonly coerce?: boolean | undefined;
    readonly in?: ZodSchema | undefined;
    readonly shape?: Readonly<Record<string, ZodSchema | undefined>> | undefined;
  };
}

/** The keywords that say nothing of which values fit. */
const ANNOTATIONS: ReadonlySet<string> = new Set(['title', 'description', 'default', 'deprecated', 'examples']);

/**
 * An `override` for zod. Of a part that converts whatever it is given, zod says what comes out of it, also where it is
 * asked what goes in: the host would refuse what the worker takes. Such a part takes any value.
 */
export function zodInputOverride({ zodSchema: { _zod: zod }, jsonSchema }: SaidPart): void {
  const { type, coerce, in: first, shape } = zod.def;
  if (coerce === true || type === 'catch' || (type === 'pipe' && internalsOf(first)?.def.type === 'transform')) {
    for (const keyword of Object.keys(jsonSchema)) if (!ANNOTATIONS.has(keyword)) delete jsonSchema[keyword];
    if (coerce === true) jsonSchema['description'] ??= `converted to a ${type}`;
  }
  const { required } = jsonSchema;
  if (shape !== undefined && Array.isArray(required)) {
    jsonSchema['required'] = required.filter((name: string) => internalsOf(shape[name])?.optin !== 'optional');
  }
}

function internalsOf(schema: ZodSchema | undefined): ZodInternals | undefined {
  const { _zod: zod } = schema ?? {};
  return zod;
}
