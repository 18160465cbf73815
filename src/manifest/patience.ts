/**
 * How long a manifest or a file that it names is gone, or not usable, before that counts, in milliseconds. Editors and
 * version control take a file away, or empty it, and write it anew a moment later; a deployment replaces whole folders.
 */
export const PATIENCE_MS = 250;
