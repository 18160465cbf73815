import { numbersOf } from './layout.ts';

const RADIUS = 6;

/** The `d` of an SVG path along the corners `x y x y …`, the corners rounded. */
export function routeOf(line: string): string {
  const corners = pointsOf(line);
  return corners
    .map((corner, index) => {
      const before = corners[index - 1];
      const after = corners[index + 1];
      if (before === undefined) return `M${corner.x} ${corner.y}`;
      if (after === undefined) return `L${corner.x} ${corner.y}`;
      const into = towards(corner, before);
      const out = towards(corner, after);
      return `L${into.x} ${into.y}Q${corner.x} ${corner.y} ${out.x} ${out.y}`;
    })
    .join('');
}

interface Corner {
  readonly x: number;
  readonly y: number;
}

function pointsOf(line: string): Corner[] {
  const numbers = numbersOf(line);
  const points: Corner[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) points.push({ x: numbers[at] ?? 0, y: numbers[at + 1] ?? 0 });
  return points;
}

/** A radius away from a corner, but no further than half of the way to the next. */
function towards(from: Corner, to: Corner): Corner {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const part = length === 0 ? 0 : Math.min(RADIUS, length / 2) / length;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}
