/** Something that is wrong with one field; `field` is a dotted path, empty for the whole. */
export interface ManifestIssue {
  readonly field: string;
  readonly reason: string;
}
