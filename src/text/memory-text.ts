/** How many bytes a value has, for people: "1 byte", "64 KiB of bytes", "22.4 GiB of bytes". */
export function bytesText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
  const text = bytes < 1_024 ** 2 ? `${Math.round(bytes / 1_024)} KiB` : memoryText(bytes / 1_024 ** 2);
  return `${text} of bytes`;
}

/** An amount of memory for people, from MiB: "64 MiB", "22.4 GiB". */
export function memoryText(mebibytes: number): string {
  return mebibytes < 1_024 ? `${Math.round(mebibytes)} MiB` : `${Number((mebibytes / 1_024).toFixed(1))} GiB`;
}
