/**
 * Plain data with `Infinity` again where amounts have no limit, for which JSON has null: in objects with `vramMb`, `ramMb`
 * and `slots`, which are amounts wherever the supervisor's interface has them. It is changed for that.
 */
export function withoutNulls<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if ('vramMb' in value && 'ramMb' in value && 'slots' in value) fill(value);
  for (const part of Object.values(value)) withoutNulls(part);
  return value;
}

function fill(amounts: object): void {
  for (const [name, amount] of Object.entries(amounts)) {
    if (amount === null) Object.assign(amounts, { [name]: Infinity });
    else if (name === 'gpus' && typeof amount === 'object') fill(amount as object);
  }
}
