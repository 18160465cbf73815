/** Freezes plain data at every level, so that it can be handed out, and returns it. */
export function frozen<T>(data: T): T {
  if (typeof data !== 'object' || data === null || Object.isFrozen(data)) return data;
  Object.freeze(data);
  for (const part of Object.values(data)) frozen(part);
  return data;
}
