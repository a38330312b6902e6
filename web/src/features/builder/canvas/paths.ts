// How edges run: forward in one curve, back in a bow below the nodes that they pass.

export interface Ends {
  readonly sourceX: number;
  readonly sourceY: number;
  readonly targetX: number;
  readonly targetY: number;
}

export interface Drawn {
  readonly path: string;
  /** Where a label stands. */
  readonly x: number;
  readonly y: number;
}

const LEAST_PULL = 28;
const MOST_PULL = 160;
const BESIDE = 36;
const CORNER = 18;

/** `height`: of a node; an edge back runs below both of its nodes. */
export function pathOf(ends: Ends, height: number): Drawn {
  return ends.targetX >= ends.sourceX + 8 ? forward(ends) : back(ends, height);
}

function forward({ sourceX, sourceY, targetX, targetY }: Ends): Drawn {
  const pull = Math.min(MOST_PULL, Math.max(LEAST_PULL, (targetX - sourceX) / 2));
  return {
    path: `M ${sourceX} ${sourceY} C ${sourceX + pull} ${sourceY} ${targetX - pull} ${targetY} ${targetX} ${targetY}`,
    x: (sourceX + targetX) / 2,
    y: (sourceY + targetY) / 2,
  };
}

function back({ sourceX, sourceY, targetX, targetY }: Ends, height: number): Drawn {
  const low = Math.max(sourceY, targetY) + height / 2 + BESIDE;
  const [right, left] = [sourceX + BESIDE, targetX - BESIDE];
  const path = [
    `M ${sourceX} ${sourceY}`,
    `L ${right - CORNER} ${sourceY} Q ${right} ${sourceY} ${right} ${sourceY + CORNER}`,
    `L ${right} ${low - CORNER} Q ${right} ${low} ${right - CORNER} ${low}`,
    `L ${left + CORNER} ${low} Q ${left} ${low} ${left} ${low - CORNER}`,
    `L ${left} ${targetY + CORNER} Q ${left} ${targetY} ${left + CORNER} ${targetY}`,
    `L ${targetX} ${targetY}`,
  ].join(" ");
  return { path, x: (sourceX + targetX) / 2, y: low };
}
