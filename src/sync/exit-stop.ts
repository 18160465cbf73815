/** How long the plugins of a program that exits have to clean up, in milliseconds, before they are killed. */
export const EXIT_STOP_MS = 5_000;
