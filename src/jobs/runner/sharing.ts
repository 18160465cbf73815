/** Decides which jobs of a store that several programs share are for this one. */
export interface Sharing {
  /**
   * How many more jobs of a plugin this program may take now. Asked again at every change that the runner is told of.
   *
   * @param inHand how many it has
   */
  share(plugin: string, inHand: number): number;
}
