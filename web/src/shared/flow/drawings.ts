// Arranges small drawings one after the other, each in a moment of its own: twelve flows at once would hold a phone up.
import type { Arrangement, Shape } from "./layout";

/** The size of a node in a drawing. */
export const NODE = { width: 20, height: 10 };
const GAP = 12;

const known = new WeakMap<Shape, Arrangement>();
let last: Promise<unknown> = Promise.resolve();

/** The arrangement of this very flow, where it is known already. */
export function recalled(flow: Shape): Arrangement | undefined {
  return known.get(flow);
}

/** The arrangement of a flow, when its turn has come and `wanted` still holds; else nothing. */
export function arrangement(flow: Shape, wanted: () => boolean): Promise<Arrangement | undefined> {
  const turn = last.then(async () => {
    if (!wanted()) return undefined;
    // Loaded when something is drawn: a page comes up without it.
    const { arranged } = await import("./layout");
    await pause();
    const found = known.get(flow) ?? arranged(flow, NODE, "LR", GAP);
    known.set(flow, found);
    return found;
  });
  last = turn.catch(() => undefined);
  return turn;
}

/** Lets the page do what it has to do first. */
function pause(): Promise<void> {
  return new Promise((go) => setTimeout(go));
}
