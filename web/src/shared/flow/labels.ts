// Where labels of edges stand: on their own way or close to it, upon no node and upon no other label.
import { pointsOf, type Box, type Point, type Way } from "./path";

export interface Labelled {
  way: Way;
  size: { width: number; height: number };
}

/** Shares of a way at which its label may stand, the best first. */
const SHARES = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82, 0.1, 0.9];
const MARGIN = 2;

/** The middle of each label. Where there is room nowhere, it stands where it covers the least. `aside`: how far below the
 * middle of its way, or above it, a label may stand that finds no room on it, the best first. */
export function placedLabels(labels: readonly Labelled[], nodes: readonly Box[], aside: readonly number[] = []): Point[] {
  const taken = [...nodes];
  return labels.map(({ way, size }) => {
    const along = measured(way);
    const middle = along(0.5);
    const places = [...SHARES.map(along), ...aside.map((down) => ({ x: middle.x, y: middle.y + down }))];
    let best: { at: Point; covered: number } | null = null;
    for (const at of places) {
      const covered = coverage(boxAround(at, size), taken);
      if (best === null || covered < best.covered) best = { at, covered };
      if (covered === 0) break;
    }
    const at = best?.at ?? way.start;
    taken.push(boxAround(at, size));
    return at;
  });
}

export function boxAround({ x, y }: Point, { width, height }: Labelled["size"]): Box {
  return { x: x - width / 2, y: y - height / 2, width, height };
}

function coverage(box: Box, others: readonly Box[]): number {
  return others.reduce((sum, other) => sum + shared(box, other, "x", "width") * shared(box, other, "y", "height"), 0);
}

function shared(one: Box, other: Box, from: "x" | "y", size: "width" | "height"): number {
  return Math.max(0, Math.min(one[from] + one[size], other[from] + other[size]) - Math.max(one[from], other[from]) + MARGIN);
}

/** The point at a share of a way's length. */
function measured(way: Way): (share: number) => Point {
  const points = pointsOf(way);
  const lengths = points.map((point, index) => {
    const before = points[index - 1] ?? point;
    return Math.hypot(point.x - before.x, point.y - before.y);
  });
  const whole = lengths.reduce((sum, one) => sum + one, 0);
  return (share) => {
    let left = share * whole;
    for (const [index, length] of lengths.entries()) {
      if (left <= length && length > 0) return between(points[index - 1] ?? way.start, points[index] ?? way.start, left / length);
      left -= length;
    }
    return points.at(-1) ?? way.start;
  };
}

function between(one: Point, other: Point, share: number): Point {
  return { x: one.x + (other.x - one.x) * share, y: one.y + (other.y - one.y) * share };
}
