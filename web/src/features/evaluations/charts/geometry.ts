// Where the parts of the charts stand: scales, ticks, labels that do not lie on each other, ribbons.

export type Scale = (value: number) => number;

/** From a range of figures to one of pixels. A range without width lies in the middle. */
export function linear(from: readonly [number, number], to: readonly [number, number]): Scale {
  const span = from[1] - from[0];
  return (value) => (span === 0 ? (to[0] + to[1]) / 2 : to[0] + ((value - from[0]) / span) * (to[1] - to[0]));
}

/** Round figures within a range, about as many as asked for. */
export function ticks([low, high]: readonly [number, number], count: number): number[] {
  const span = high - low;
  if (!(span > 0) || count < 1) return [low];
  const rough = span / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((part) => part * size).find((one) => one >= rough) ?? 10 * size;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** The least range that holds all figures, with a little room on both sides, within bounds. */
export function rangeOf(values: readonly number[], bounds: readonly [number, number], room = 0.06): [number, number] {
  const known = values.filter(Number.isFinite);
  if (known.length === 0) return [bounds[0], bounds[1] === Infinity ? 1 : bounds[1]];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const spare = (high - low || Math.abs(high) || 1) * room;
  return [Math.max(bounds[0], low - spare), Math.min(bounds[1], high + spare)];
}

/** A range with 0 in its middle that holds all figures. */
export function aroundZero(values: readonly number[], least: number): [number, number] {
  const far = Math.max(least, ...values.filter(Number.isFinite).map(Math.abs)) * 1.08;
  return [-far, far];
}

export interface Labelled {
  readonly x: number;
  readonly y: number;
  /** As wide as its text. */
  readonly width: number;
}

export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly anchor: "start" | "end";
}

const LINE_PX = 14;
const GAP_PX = 8;

/** A place beside each point for its name, inside `width`, and none on another name where there is room. */
export function placeLabels(points: readonly Labelled[], width: number, height: number): Placed[] {
  const taken: { left: number; right: number; y: number }[] = [];
  const placed = new Array<Placed>(points.length);
  const order = points.map((_, index) => index).sort((a, b) => (points[a]?.y ?? 0) - (points[b]?.y ?? 0));
  for (const index of order) {
    const point = points[index];
    if (point === undefined) continue;
    const found = candidates(point, width, height).find(({ box }) => taken.every((other) => isApart(box, other)));
    const best = found ?? candidates(point, width, height)[0];
    if (best === undefined) continue;
    taken.push(best.box);
    placed[index] = best.at;
  }
  return placed;
}

function candidates(point: Labelled, width: number, height: number) {
  const right = { anchor: "start" as const, left: point.x + GAP_PX };
  const left = { anchor: "end" as const, left: point.x - GAP_PX - point.width };
  const sides = right.left + point.width <= width ? [right, left] : [left, right];
  const shifts = [0, -1, 1, -2, 2, -3, 3].map((lines) => lines * LINE_PX);
  return shifts.flatMap((shift) =>
    sides
      .filter((side) => (side.left >= 0 && side.left + point.width <= width) || side === sides[0])
      .map((side) => {
        const y = Math.min(height - 4, Math.max(LINE_PX, point.y + 4 + shift));
        const start = Math.max(0, side.left);
        return {
          at: { x: side.anchor === "start" ? start : start + point.width, y, anchor: side.anchor },
          box: { left: start, right: start + point.width, y },
        };
      }),
  );
}

function isApart(one: { left: number; right: number; y: number }, other: { left: number; right: number; y: number }): boolean {
  return one.right < other.left || other.right < one.left || Math.abs(one.y - other.y) >= LINE_PX;
}

/** The steps of the best that each price buys, from the cheapest on. */
export function frontierOf<T extends { readonly cost: number; readonly score: number }>(arms: readonly T[]): T[] {
  const byCost = [...arms].sort((a, b) => a.cost - b.cost || b.score - a.score);
  const best: T[] = [];
  for (const arm of byCost) if (arm.score > (best.at(-1)?.score ?? -Infinity)) best.push(arm);
  return best;
}

export interface FlipCounts {
  readonly right_right: number;
  readonly right_wrong: number;
  readonly wrong_right: number;
  readonly wrong_wrong: number;
}

export type FlipName = keyof FlipCounts;

export interface Ribbon {
  readonly name: FlipName;
  readonly count: number;
  readonly path: string;
  /** Where its figure stands. */
  readonly y: number;
}

const RIBBONS: readonly FlipName[] = ["right_right", "right_wrong", "wrong_right", "wrong_wrong"];

/** The ribbons from right and wrong before to right and wrong after; their heights are the counts. */
export function ribbons(flips: FlipCounts, left: number, right: number, height: number, gap = 10): Ribbon[] {
  const total = RIBBONS.reduce((sum, name) => sum + flips[name], 0);
  if (total === 0) return [];
  const unit = (height - gap) / total;
  const before = { right: 0, wrong: (flips.right_right + flips.right_wrong) * unit + gap };
  const after = { right: 0, wrong: (flips.right_right + flips.wrong_right) * unit + gap };
  const middle = (left + right) / 2;
  return RIBBONS.flatMap((name) => {
    const [from, to] = name.split("_") as ["right" | "wrong", "right" | "wrong"];
    const thick = flips[name] * unit;
    const [y0, y1] = [before[from], after[to]];
    before[from] += thick;
    after[to] += thick;
    if (flips[name] === 0) return [];
    const path =
      `M${px(left)} ${px(y0)}C${px(middle)} ${px(y0)} ${px(middle)} ${px(y1)} ${px(right)} ${px(y1)}` +
      `V${px(y1 + thick)}C${px(middle)} ${px(y1 + thick)} ${px(middle)} ${px(y0 + thick)} ${px(left)} ${px(y0 + thick)}Z`;
    return [{ name, count: flips[name], path, y: y0 + thick / 2 }];
  });
}

function px(value: number): string {
  return String(Number(value.toFixed(2)));
}
