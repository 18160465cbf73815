import type { Config } from './config.ts';
import { filtersOf } from './filters.ts';
import { type ConfigPath, type Finding, refused } from './finding.ts';
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

/** The manifests of peers, by the names that `names` gives to their models. A peer with a key is left out. */
export function peerManifests(
  config: Config,
  names: ReadonlyMap<string, string>,
): { readonly manifests: readonly ManifestFields[]; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const all = peerModels(config);
  const local = new Set(Object.entries(config.models).flatMap(([id, model]) => modelNames(id, model)));
  const manifests = Object.entries(config.peers ?? {}).flatMap(([name, { proxy, apiKey = '', filters: given }]) => {
    const path: ConfigPath = ['peers', name];
    if (apiKey !== '') {
      const what = 'not written: Greenroom sends no key to a server. Put a proxy that adds it before the peer.';
      findings.push(refused(path, what));
      return [];
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
