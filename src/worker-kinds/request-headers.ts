import { GreenroomError } from '../errors.ts';
import type { ManifestIssue } from '../manifest/manifest-issue.ts';
import { isSecretName } from '../text/secret-names.ts';

/** A variable of the host program in a value: `Bearer ${env:NAME}`. */
const VARIABLE = /\$\{env:([A-Za-z_]\w*)\}/g;

/** What a header is to the proxy itself, which no manifest decides. */
const OF_CONNECTION =
  /^(connection|keep-alive|te|trailer|transfer-encoding|upgrade|host|content-length|expect|proxy-.*)$/;

/** The `headers` of a manifest. */
export type GivenHeaders = Readonly<Record<string, string>>;

/**
 * What is wrong with the `headers` of a manifest. Lists and the inspector show a manifest, so a header that is likely to
 * be a secret has to be taken from a variable.
 */
export function headerIssues(headers: GivenHeaders = {}): ManifestIssue[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const field = `headers.${name}`;
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name))
      return [{ field, reason: 'expected the name of a header in lower case, as "x-api-key"' }];
    if (OF_CONNECTION.test(name)) return [{ field, reason: 'unexpected; Greenroom sets this header itself' }];
    if (!/^[\t\x20-\x7e]*$/.test(value)) return [{ field, reason: 'expected printable ASCII characters' }];
    if (isSecretName(name) && value.replace(VARIABLE, '') === value) {
      const reason =
        'expected a variable for what is secret, as "Bearer ${env:OFFICE_KEY}"; lists and the inspector show a manifest';
      return [{ field, reason }];
    }
    return [];
  });
}

/**
 * The headers with the values of variables. Throws `E_MANIFEST` for a variable that is not set, or whose value is no part of
 * a header.
 */
export function filledHeaders(
  plugin: string,
  headers: GivenHeaders = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): GivenHeaders {
  const fill = (header: string, text: string): string =>
    text.replaceAll(VARIABLE, (_, name: string) => {
      const value = env[name]?.trim() ?? '';
      if (value === '') throw variableError(plugin, header, name, 'is not set');
      if (!/^[\x20-\x7e]+$/.test(value))
        throw variableError(plugin, header, name, 'has characters that no header may have');
      return value;
    });
  return Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, fill(name, text)]));
}

function variableError(plugin: string, header: string, variable: string, what: string): GreenroomError {
  return new GreenroomError(
    'E_MANIFEST',
    `The server of "${plugin}" cannot be asked: the environment variable ${variable}, for the header "${header}" of its manifest, ${what}. Set it in the environment of the program that runs Greenroom, and start that again.`,
    { plugin },
  );
}
