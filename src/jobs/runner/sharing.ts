/** What a runner says of a plugin whose jobs it could take. */
export interface InHand {
  /** How many of its jobs it has that have not ended. */
  readonly inHand: number;
  /** How long its last jobs took, in milliseconds; undefined: none has ended. */
  readonly jobMs: number | undefined;
}

/** Decides which jobs of a store that several programs share are for this one. */
export interface Sharing {
  /** How many more jobs of a plugin this program may take now. Asked again at every change that the runner is told of. */
  share(plugin: string, line: InHand): number;
  /** Told how many jobs the store gave, of a plugin of which some were asked for. */
  took(plugin: string, count: number): void;
}
