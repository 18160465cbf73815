import type { Manifest } from '../manifest/schema.ts';
import { nearestName } from '../text/nearest-name.ts';
import { BadModelRequest } from './failure.ts';

/** How many names of models an error lists. */
const MAX_SHOWN = 10;

/** What the catalogue reads of a supervisor. */
export interface ManifestSource {
  manifests(): Iterable<Manifest>;
}

/** A model as lists of models show it: with the fields of OpenAI's list and of Anthropic's. */
export interface ListedModel {
  readonly id: string;
  readonly object: 'model';
  readonly type: 'model';
  readonly created: number;
  readonly created_at: string;
  readonly owned_by: 'greenroom';
  readonly display_name: string;
  readonly description?: string | undefined;
  readonly metadata?: unknown;
  readonly capabilities?: unknown;
}

/**
 * The models of the plugins. They are read from the manifests each time, which takes less than a request's first line, so
 * that a changed manifest counts at once. Of several plugins with one model, the first by name has it.
 */
export class ModelCatalogue {
  readonly #source: ManifestSource;
  readonly #created: Date;

  /** @param created what lists say of when their models were made */
  constructor(source: ManifestSource, created: Date) {
    this.#source = source;
    this.#created = created;
  }

  /** The manifest of the plugin that has a model, by any of its names. Throws {@link BadModelRequest}, 404. */
  find(model: string): Manifest {
    let found: Manifest | undefined;
    for (const manifest of this.#source.manifests())
      if (manifest.models?.includes(model) === true && (found === undefined || manifest.name < found.name))
        found = manifest;
    if (found === undefined) throw this.#unknown(model);
    return found;
  }

  /** The models that are to be listed, by their first name, in order. */
  list(): ListedModel[] {
    const models = [...this.#source.manifests()]
      .filter(({ unlisted, models: names = [] }) => unlisted !== true && names.length > 0)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((manifest) => this.describe(manifest.models?.[0] ?? '', manifest));
    return [...new Map(models.toReversed().map((model) => [model.id, model])).values()].toReversed();
  }

  /** A model as lists show it. */
  describe(id: string, manifest: Manifest): ListedModel {
    const { display_name = id, description, metadata, capabilities } = manifest;
    return {
      id,
      object: 'model',
      type: 'model',
      created: Math.floor(this.#created.getTime() / 1_000),
      created_at: this.#created.toISOString(),
      owned_by: 'greenroom',
      display_name,
      description,
      metadata,
      capabilities,
    };
  }

  #unknown(model: string): BadModelRequest {
    const names = new Set([...this.#source.manifests()].flatMap(({ models = [] }) => models));
    const near = nearestName(model, names);
    const listed = this.list().map(({ id }) => id);
    const more = listed.length > MAX_SHOWN ? ` and ${listed.length - MAX_SHOWN} more` : '';
    const known =
      listed.length === 0
        ? 'No plugin has models: name some in "models" of its manifest.'
        : `The models are ${listed.slice(0, MAX_SHOWN).join(', ')}${more}.`;
    const hint = near === undefined ? '' : `Did you mean "${near}"? `;
    return new BadModelRequest({
      status: 404,
      message: `There is no model "${model.slice(0, 200)}". ${hint}${known}`,
      code: 'model_not_found',
      param: 'model',
    });
  }
}
