// Smooth ways between nodes, as SVG draws them and as one can measure them.

export interface Point {
  x: number;
  y: number;
}

export interface Box extends Point {
  width: number;
  height: number;
}

/** One curve of a way: the two points that pull at it, and its end. */
export interface Bend {
  a: Point;
  b: Point;
  to: Point;
}

export interface Way {
  start: Point;
  bends: readonly Bend[];
}

/** A part of a way that is straight: nodes stand above and below of it. */
export interface Lane {
  begin: number;
  end: number;
  /** On the other axis. */
  at: number;
}

/** From left to right or back: straight along each lane, and from one to the next in a curve that leaves and comes in level. */
export function throughLanes(start: Point, lanes: readonly Lane[], end: Point): Way {
  const bends: Bend[] = [];
  let now = start;
  const go = (to: Point, bend: Bend) => {
    if (to.x !== now.x || to.y !== now.y) bends.push(bend);
    now = to;
  };
  for (const { begin, end: last, at } of lanes) {
    go({ x: begin, y: at }, level(now, { x: begin, y: at }));
    go({ x: last, y: at }, level(now, { x: last, y: at }));
  }
  go(end, level(now, end));
  return { start, bends };
}

/** A curve that is level at both of its ends. */
export function level(from: Point, to: Point): Bend {
  const middle = (from.x + to.x) / 2;
  return { a: { x: middle, y: from.y }, b: { x: middle, y: to.y }, to };
}

/** Upright at one end and level at the other, as the corner of a round box is. */
export function corner(from: Point, at: Point, to: Point): Bend {
  const pull = (end: Point): Point => ({ x: end.x + (at.x - end.x) * 0.55, y: end.y + (at.y - end.y) * 0.55 });
  return { a: pull(from), b: pull(to), to };
}

export function straight(from: Point, to: Point): Bend {
  const between = (share: number): Point => ({ x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share });
  return { a: between(1 / 3), b: between(2 / 3), to };
}

/** The same way with each of its points put elsewhere. */
export function moved({ start, bends }: Way, put: (point: Point) => Point): Way {
  return { start: put(start), bends: bends.map(({ a, b, to }) => ({ a: put(a), b: put(b), to: put(to) })) };
}

/** As the `d` of an SVG path. */
export function pathOf({ start, bends }: Way): string {
  return [`M ${written(start)}`, ...bends.map(({ a, b, to }) => `C ${written(a)} ${written(b)} ${written(to)}`)].join(" ");
}

function written({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
}

/** Points along a way, its beginning and its end among them. `each`: of every curve. */
export function pointsOf({ start, bends }: Way, each = 12): Point[] {
  const points = [start];
  let from = start;
  for (const bend of bends) {
    for (let step = 1; step <= each; step += 1) points.push(onBend(from, bend, step / each));
    from = bend.to;
  }
  return points;
}

function onBend(from: Point, { a, b, to }: Bend, share: number): Point {
  const rest = 1 - share;
  const mix = (axis: "x" | "y") =>
    rest ** 3 * from[axis] + 3 * rest ** 2 * share * a[axis] + 3 * rest * share ** 2 * b[axis] + share ** 3 * to[axis];
  return { x: mix("x"), y: mix("y") };
}

/** Whether a point lies in a box, or nearer to it than `margin`. */
export function isIn({ x, y }: Point, box: Box, margin = 0): boolean {
  return x > box.x - margin && x < box.x + box.width + margin && y > box.y - margin && y < box.y + box.height + margin;
}
