// Names of places on the screen of a run, and the way to them.
import { turnKey } from "@/run/transcript";

/** The id of a turn's place in the page. */
export function anchorOf(turn: string): string {
  return `turn-${turn.replace(/[^\w-]+/g, "-")}`;
}

/** Shows a node's turn in the transcript, and takes the keyboard there. */
export function showTurn(node: string, visit: number): void {
  const card = document.getElementById(anchorOf(turnKey(node, visit)));
  // A scroll that is asked for is not held back by the style sheet.
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  card?.scrollIntoView({ block: "center", behavior: isCalm ? "auto" : "smooth" });
  card?.focus({ preventScroll: true });
}
