/** The media type of bytes, by what they begin with; undefined where that says nothing. */
export function mediaTypeOf(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 16)).toString('latin1');
  return MARKS.find(([mark, , at = 0]) => head.startsWith(mark, at))?.[1];
}

/** What stands at the beginning of a file, or so many bytes behind it. */
const MARKS: readonly (readonly [mark: string, type: string, at?: number])[] = [
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['WEBP', 'image/webp', 8],
  ['II*\0', 'image/tiff'],
  ['MM\0*', 'image/tiff'],
  ['ftypavif', 'image/avif', 4],
  ['ftypM4A', 'audio/mp4', 4],
  ['ftyp', 'video/mp4', 4],
  ['WAVE', 'audio/wav', 8],
  ['ID3', 'audio/mpeg'],
  // Layer III without tags, with or without a checksum.
  ['\xff\xfb', 'audio/mpeg'],
  ['\xff\xfa', 'audio/mpeg'],
  ['OggS', 'audio/ogg'],
  ['fLaC', 'audio/flac'],
  ['%PDF-', 'application/pdf'],
  ['PK\x03\x04', 'application/zip'],
  ['\x1f\x8b', 'application/gzip'],
];
