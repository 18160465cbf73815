import { FRAME } from '../framing/frame.ts';

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(FRAME).map(([name, type]) => [type, name]));

/** A frame of a type, in messages. */
export function frameName(type: number): string {
  const name = NAMES.get(type);
  return name === undefined ? `a frame of the unknown type ${type}` : `a frame "${name}"`;
}
