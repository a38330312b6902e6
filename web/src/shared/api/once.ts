// Sends what costs money so that it is done once: whoever presses again because no answer came means the same thing.
import { newKey } from "@/shared/key";
import { ApiProblem } from "./problem";

const PREFIX = "agent-lab.unanswered.";

interface Unanswered {
  print: string;
  key: string;
}

/** Where nothing can be kept in the browser, it is kept as long as the page is. */
const here = new Map<string, Unanswered>();

/**
 * What `call` answers, which sends its argument as `Idempotency-Key`. The key stays that of the same `content`, over a
 * reload too, until the server has answered. `what`: what kind of thing is done.
 */
export async function once<T>(what: string, content: unknown, call: (key: string) => Promise<T>): Promise<T> {
  const key = keyFor(what, printOf(JSON.stringify(content)));
  try {
    const answer = await call(key);
    settle(what, key);
    return answer;
  } catch (error) {
    // Refused: nothing was begun. After any other fault it may have been.
    if (error instanceof ApiProblem && error.status < 500) settle(what, key);
    throw error;
  }
}

function keyFor(what: string, print: string): string {
  const before = recalled(what);
  if (before?.print === print) return before.key;
  const key = newKey();
  here.set(what, { print, key });
  try {
    sessionStorage.setItem(PREFIX + what, JSON.stringify({ print, key }));
  } catch {
    // Kept on the page alone.
  }
  return key;
}

function settle(what: string, key: string): void {
  if (recalled(what)?.key !== key) return;
  here.delete(what);
  try {
    sessionStorage.removeItem(PREFIX + what);
  } catch {
    // Nothing was kept there.
  }
}

function recalled(what: string): Unanswered | undefined {
  const known = here.get(what);
  if (known !== undefined) return known;
  try {
    return (JSON.parse(sessionStorage.getItem(PREFIX + what) ?? "null") as Unanswered | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Tells texts apart (FNV-1a, twice): a long question need not be kept a second time. */
function printOf(text: string): string {
  let one = 0x811c9dc5;
  let other = 0xcbf29ce4;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ ((code << 7) | (at & 127)), 0x85ebca6b);
  }
  return `${text.length} ${(one >>> 0).toString(16)} ${(other >>> 0).toString(16)}`;
}
