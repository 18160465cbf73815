/**
 * The functions that a worker calls while it answers, as they were before its plugin was loaded: a plugin, or a library
 * of its, may replace those of the process (a logger, an MCP server, fake timers), and the worker is to answer all the
 * same. The control thread has globals of its own and needs none of this.
 */
export const { parse, stringify } = JSON;
export const { setImmediate, Promise } = globalThis;
export const now = performance.now.bind(performance);
export const exit = process.exit.bind(process);
export const kill = process.kill.bind(process);
