// Names of places on the screen of a run.

/** The id of a turn's place in the page. */
export function anchorOf(turn: string): string {
  return `turn-${turn.replace(/[^\w-]+/g, "-")}`;
}
