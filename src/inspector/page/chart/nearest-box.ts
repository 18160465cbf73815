import { type Layout, numbersOf } from './layout.ts';

/** The keys that lead from box to box. */
export type ArrowKey = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight';

const WAYS: Readonly<Record<ArrowKey, readonly [number, number]>> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

/** The path of the box whose middle is nearest in a direction; what lies aside counts as twice as far. */
export function nearestBox({ boxes }: Layout, from: string, key: ArrowKey): string | undefined {
  const [dx, dy] = WAYS[key];
  const start = middleOf(boxes[from] ?? '0 0 0 0');
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [path, place] of Object.entries(boxes)) {
    const middle = middleOf(place);
    const [x, y] = [middle.x - start.x, middle.y - start.y];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(x * dy) + Math.abs(y * dx);
    const distance = ahead + 2 * aside;
    if (path === from || ahead < 1 || distance >= least) continue;
    least = distance;
    nearest = path;
  }
  return nearest;
}

function middleOf(place: string): { readonly x: number; readonly y: number } {
  const [x = 0, y = 0, width = 0, height = 0] = numbersOf(place);
  return { x: x + width / 2, y: y + height / 2 };
}
