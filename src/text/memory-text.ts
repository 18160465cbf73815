/** An amount of memory for people, from MiB: "64 MiB", "22.4 GiB". */
export function memoryText(mebibytes: number): string {
  return mebibytes < 1_024 ? `${Math.round(mebibytes)} MiB` : `${Number((mebibytes / 1_024).toFixed(1))} GiB`;
}
