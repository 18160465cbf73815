/** Something that is wrong with a manifest file. */
export interface ManifestProblem {
  readonly file: string;
  /** A dotted path, where one field is to blame. */
  readonly field?: string | undefined;
  readonly reason: string;
  /** `error`: the manifest is not used as it stands; `warning`: it is, or its place says that it is no manifest. */
  readonly severity: 'error' | 'warning';
}
