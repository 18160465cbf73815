import type { Filters } from './config.ts';
import { type ConfigPath, type Finding, noted } from './finding.ts';

/** What `filters` of a manifest takes. */
export interface ManifestFilters {
  readonly strip?: readonly string[];
  readonly set?: Readonly<Record<string, unknown>>;
  readonly set_by_model?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

type Values = Readonly<Record<string, unknown>>;

/** The filters of a model or peer at a path of the configuration; undefined where they change nothing. */
export function filtersOf(
  filters: Filters | undefined,
  path: ConfigPath,
): { readonly filters: ManifestFilters | undefined; readonly findings: readonly Finding[] } {
  const { stripParams, strip_params: former, setParams = {}, setParamsByID = {} } = filters ?? {};
  const [stripKey, stripText = ''] =
    stripParams === undefined ? ['strip_params', former] : ['stripParams', stripParams];
  const findings: Finding[] = [];
  const isFree = (name: string, ...at: ConfigPath): boolean => {
    if (name !== 'model') return true;
    findings.push(noted([...path, ...at], 'the field "model" is never removed or set, as in llama-swap'));
    return false;
  };
  const free = (values: Values, ...at: ConfigPath): Values =>
    Object.fromEntries(Object.entries(values).filter(([name]) => isFree(name, ...at, name)));
  const names = stripText.split(',').map((name) => name.trim());
  const strip = [...new Set(names)].filter((name) => name !== '' && isFree(name, stripKey));
  const set = free(setParams, 'setParams');
  const byModel = Object.fromEntries(
    Object.entries(setParamsByID).map(([id, values]) => [id, free(values, 'setParamsByID', id)]),
  );
  const changed: ManifestFilters = {
    ...(strip.length > 0 && { strip }),
    ...(Object.keys(set).length > 0 && { set }),
    ...(Object.keys(byModel).length > 0 && { set_by_model: byModel }),
  };
  return { filters: Object.keys(changed).length > 0 ? changed : undefined, findings };
}
