/** A running inspector. */
export interface Inspector {
  /** The address of the page, with the token that opens it: whoever has it sees everything that is shown. */
  readonly url: string;
  /** Writes the session, from what is remembered on, to a new file, which the page can open. Rejects with `E_OPTIONS`. */
  record(file: string): Promise<Recording>;
  /** Ends the server, every connection and every recording. */
  close(): Promise<void>;
}

/** A session that is being written to a file. */
export interface Recording {
  readonly file: string;
  /** Ends it; resolves when all of it is in the file. Rejects with what kept it from being written. */
  close(): Promise<void>;
}
