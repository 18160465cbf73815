/*
 * Apart from the options themselves, as the command line checks them before anything else is read from disk.
 */

/** The longest key of a job, in characters. */
export const MAX_KEY = 200;

/** How many attempts a job may have. */
export const MAX_TRIES = 1_000;
