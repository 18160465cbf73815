/** An amount in MiB in bytes, the unit of Prometheus; `undefined` where it is not known or has no limit. */
export function bytesOf(mb: number | undefined): number | undefined {
  return mb === undefined || !Number.isFinite(mb) ? undefined : Math.round(mb * 2 ** 20);
}
