declare const brand: unique symbol;

/** What tells one from another in the queue, the ledger and the evictions: what asks for memory and holds it. */
export type ResidentKey = string & { readonly [brand]: 'ResidentKey' };

/** The key of a request, a resident, a victim, or an event about one. A plugin resides once: its name is the key. */
export function residentKey({ plugin }: { readonly plugin: string }): ResidentKey {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The one place where a key is made.
  return plugin as ResidentKey;
}
