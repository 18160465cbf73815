/** Why a request is not answered. */
export interface Refusal {
  /** An HTTP status of 400 and up. */
  readonly status: number;
  /** A sentence or two for people: what is wrong, and what to do. */
  readonly message: string;
  /** Further headers of the answer, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}
