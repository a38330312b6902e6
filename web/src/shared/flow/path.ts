// A line through corners, as SVG draws it.

export interface Point {
  x: number;
  y: number;
}

/** A smooth line through these corners, as the `d` of an SVG path. */
export function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  const middle = (a: Point, b: Point) => `${round((a.x + b.x) / 2)} ${round((a.y + b.y) / 2)}`;
  const curves = rest.slice(0, -1).map((point, index) => `Q ${round(point.x)} ${round(point.y)} ${middle(point, rest[index + 1] ?? point)}`);
  const last = rest.at(-1) ?? first;
  return [`M ${round(first.x)} ${round(first.y)}`, ...curves, `L ${round(last.x)} ${round(last.y)}`].join(" ");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
