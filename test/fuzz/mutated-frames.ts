/** The bytes with a few things wrong with them, as the random numbers say: bits, cuts, repeats, swaps, lengths. */
export function mutated(whole: Buffer, random: () => number): Buffer {
  let bytes = whole;
  const place = (): number => Math.floor(random() * bytes.length);
  for (let times = 1 + Math.floor(random() * 3); times > 0 && bytes.length > 0; times -= 1) {
    const at = place();
    const rest = bytes.subarray(at);
    const before = bytes.subarray(0, at);
    switch (Math.floor(random() * 8)) {
      case 0:
        bytes = before;
        break;
      case 1:
        bytes = Buffer.from(bytes);
        bytes[at] = Math.floor(random() * 256);
        break;
      case 2:
        bytes = Buffer.concat([before, rest.subarray(place())]);
        break;
      case 3:
        bytes = Buffer.concat([before, rest, rest]);
        break;
      case 4:
        bytes = Buffer.concat([before, Buffer.from(Array.from({ length: 8 }, () => random() * 256)), rest]);
        break;
      case 5:
        bytes = Buffer.concat([rest, before]);
        break;
      case 6:
        bytes = Buffer.from(bytes);
        bytes[at]! ^= 1 << Math.floor(random() * 8);
        break;
      default:
        bytes = Buffer.from(bytes);
        if (at + 4 <= bytes.length) bytes.writeUInt32LE([0, 2 ** 31, 2 ** 32 - 1, 255 * 2 ** 20][place() % 4]!, at);
    }
  }
  return bytes;
}
