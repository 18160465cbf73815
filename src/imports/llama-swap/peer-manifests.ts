import type { Config } from './config.ts';
import { soleVariable } from './environment.ts';
import { filtersOf } from './filters.ts';
import { type ConfigPath, type Finding, noted } from './finding.ts';
import { type ManifestFields, modelNames } from './model-manifest.ts';

/** A model of a peer. */
export interface PeerModel {
  readonly peer: string;
  /** Its name at the peer. */
  readonly model: string;
  /** Its name here, `peer/model`. */
  readonly id: string;
}

/** The models of all peers; each has a manifest, as the peer knows it by another name than requests do here. */
export function peerModels({ peers = {} }: Config): PeerModel[] {
  return Object.entries(peers).flatMap(([peer, { models }]) =>
    [...new Set(models)].map((model) => ({ peer, model, id: `${peer}/${model}` })),
  );
}

/** The manifests of peers, by the names that `names` gives to their models. Their keys are left to variables. */
export function peerManifests(
  config: Config,
  names: ReadonlyMap<string, string>,
): { readonly manifests: readonly ManifestFields[]; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const all = peerModels(config);
  const local = new Set(Object.entries(config.models).flatMap(([id, model]) => modelNames(id, model)));
  const manifests = Object.entries(config.peers ?? {}).flatMap(([name, { proxy, apiKey = '', filters: given }]) => {
    const path: ConfigPath = ['peers', name];
    const variable = apiKey === '' ? undefined : (soleVariable(apiKey) ?? keyVariable(name));
    if (variable !== undefined) {
      const what = `is not written to a file; set the environment variable ${variable} to it for \`greenroom serve\``;
      findings.push(noted([...path, 'apiKey'], what));
    }
    const { filters, findings: filtered } = filtersOf(given, [...path, 'filters']);
    findings.push(...filtered);
    return all
      .filter(({ peer }) => peer === name)
      .map(({ id, model }) => {
        const isKnownByModel = !local.has(model) && all.filter((other) => other.model === model).length === 1;
        return {
          name: names.get(id),
          worker: 'http',
          url: proxy.replace(/\/+$/, ''),
          ...(variable !== undefined && { headers: keyHeaders(variable) }),
          // Of a peer no path is known at which it says that it is ready.
          ready: 'port',
          models: isKnownByModel ? [id, model] : [id],
          use_model_name: model,
          ...(filters !== undefined && { filters }),
        };
      });
  });
  return { manifests, findings };
}

/** The variable for the key of a peer: `OPEN_ROUTER_API_KEY` for `open-router`. */
function keyVariable(peer: string): string {
  const name = peer.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
  return `${/^\d/.test(name) ? '_' : ''}${name}_API_KEY`;
}

/** The headers by which llama-swap sends a key: those of OpenAI and of Anthropic. */
function keyHeaders(variable: string): Readonly<Record<string, string>> {
  const key = `\${env:${variable}}`;
  return { authorization: `Bearer ${key}`, 'x-api-key': key };
}
