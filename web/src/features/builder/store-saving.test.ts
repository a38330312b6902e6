import { describe, expect, it } from "vitest";
import { hasUnsaved, nextSaving, savedState, WAIT_MS, type Rules, type Saving, type SavingEvent } from "./store-saving";

const rules: Rules<string> = { isSame: (one, other) => one === other, isEmpty: (text) => text === "" };
const begun = savedState({ document: "a", etag: "1" });

function told(...events: SavingEvent<string>[]): Saving<string> {
  return events.reduce((state, event) => nextSaving(state, event, rules), begun);
}

const edited = (document: string, at = 0): SavingEvent<string> => ({ is: "edited", document, at });
const due = (document: string, at: number): SavingEvent<string> => ({ is: "due", document, at });
const saved = (document: string, etag: string, at = 0): SavingEvent<string> => ({ is: "saved", document, etag, at });
const failed = (why: "offline" | "refused" | "conflict", document: string, at = 0): SavingEvent<string> => ({
  is: "failed",
  why,
  error: why,
  document,
  at,
});

describe("edits are saved", () => {
  it("a moment after the last of them", () => {
    expect(told(edited("ab", 0)).dueAt).toBe(WAIT_MS);
    expect(told(edited("ab", 0), edited("abc", 500)).dueAt).toBe(500 + WAIT_MS);
    expect(told(edited("ab", 0), edited("abc", 500), due("abc", WAIT_MS)).phase).toBe("waiting");
    const sending = told(edited("ab", 0), due("ab", WAIT_MS));
    expect([sending.phase, sending.sending, sending.kept.etag]).toEqual(["saving", "ab", "1"]);
  });

  it("not at all where they were undone", () => {
    expect(told(edited("ab"), edited("a"))).toEqual(begun);
  });

  it("one after the other: what is edited meanwhile is next, under the new ETag", () => {
    const state = told(edited("ab"), due("ab", 900), edited("abc", 950), due("abc", 2_000));
    expect([state.phase, state.sending]).toEqual(["saving", "ab"]);
    const answered = nextSaving(state, saved("abc", "2", 2_100), rules);
    expect([answered.phase, answered.kept, answered.sending]).toEqual(["waiting", { document: "ab", etag: "2" }, null]);
    const again = nextSaving(answered, due("abc", 5_000), rules);
    expect([again.sending, again.kept.etag]).toEqual(["abc", "2"]);
    expect(nextSaving(again, saved("abc", "3"), rules)).toEqual(savedState({ document: "abc", etag: "3" }));
  });
});

describe("an empty canvas", () => {
  it("is never saved by itself over a full one", () => {
    const state = told(edited(""), due("", 9_000), { is: "now", document: "", at: 9_000 });
    expect([state.phase, state.sending, hasUnsaved(state)]).toEqual(["emptied", null, true]);
    expect(nextSaving(state, edited("b", 9_500), rules).phase).toBe("waiting");
    expect(nextSaving(state, edited("a", 9_500), rules)).toEqual(begun);
  });

  it("that is emptied while another document is on its way stays unsaved too", () => {
    const state = told(edited("ab"), due("ab", 900), saved("", "2"));
    expect([state.phase, state.kept.document]).toEqual(["emptied", "ab"]);
  });

  it("of a new flow may be filled", () => {
    const fresh = savedState({ document: "", etag: "1" });
    expect(nextSaving(fresh, edited("a"), rules).phase).toBe("waiting");
  });
});

describe("a server that does not answer", () => {
  const away = told(edited("ab"), due("ab", 900), failed("offline", "ab", 1_000));

  it("is asked again later and later, half a minute apart at the most", () => {
    const waits: number[] = [];
    let state = away;
    for (let at = 1_000; waits.length < 7; ) {
      waits.push((state.dueAt ?? 0) - at);
      at = state.dueAt ?? 0;
      state = nextSaving(nextSaving(state, due("ab", at), rules), failed("offline", "ab", at), rules);
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("is not asked sooner because somebody types on, but at once when it is back", () => {
    const typed = nextSaving(away, edited("abc", 1_500), rules);
    expect([typed.phase, typed.dueAt]).toEqual(["offline", away.dueAt]);
    const back = nextSaving(typed, { is: "now", document: "abc", at: 1_600 }, rules);
    expect([back.phase, back.sending]).toEqual(["saving", "abc"]);
  });
});

describe("a document that the server does not take", () => {
  it("is not sent again before it is another one", () => {
    const state = told(edited("ab"), due("ab", 900), failed("refused", "ab"));
    expect([state.phase, state.dueAt, state.error]).toEqual(["refused", null, "refused"]);
    expect(nextSaving(state, due("ab", 1e9), rules)).toBe(state);
    expect(nextSaving(state, edited("abc"), rules).phase).toBe("waiting");
  });

  it("that was mended meanwhile is sent", () => {
    expect(told(edited("ab"), due("ab", 900), edited("abc", 901), failed("refused", "abc")).phase).toBe("waiting");
  });
});

describe("somebody else who saved first", () => {
  const conflict = told(edited("ab"), due("ab", 900), failed("conflict", "abc"));

  it("is not written over, whatever is typed", () => {
    expect(conflict.phase).toBe("conflict");
    expect(nextSaving(conflict, edited("abcd"), rules)).toBe(conflict);
    expect(nextSaving(conflict, { is: "now", document: "abcd", at: 9 }, rules)).toBe(conflict);
    expect(nextSaving(conflict, due("abcd", 1e9), rules)).toBe(conflict);
  });

  it("is taken, or saved over, where the user says so", () => {
    const theirs = { document: "x", etag: "5" };
    expect(nextSaving(conflict, { is: "adopted", kept: theirs, document: "x", at: 0 }, rules)).toEqual(savedState(theirs));
    expect(nextSaving(conflict, { is: "adopted", kept: theirs, document: "abc", at: 0 }, rules).phase).toBe("waiting");
  });

  it("leaves nothing to be saved once ours is stored elsewhere", () => {
    expect(hasUnsaved(nextSaving(conflict, { is: "left", document: "abc", at: 0 }, rules))).toBe(false);
  });
});

/** Numbers that are the same in every test run. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

describe("in any order of edits, answers, losses and ticks", () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed + 1))("the newest edit arrives in the end (%i)", (seed) => {
    const random = chance(seed);
    const server = { document: "a", etag: 1 };
    let state = begun;
    let [now, document] = [0, "a"];
    const step = (event: SavingEvent<string>) => {
      state = nextSaving(state, event, rules);
    };
    const answer = () => {
      if (state.sending === null) return;
      const isLost = random() < 0.3;
      // A lost answer may be that of a save which was done: then the next one is a conflict, never a silent loss.
      if (isLost) return step(failed("offline", document, now));
      expect(state.kept.etag).toBe(String(server.etag));
      Object.assign(server, { document: state.sending, etag: server.etag + 1 });
      step(saved(document, String(server.etag), now));
    };
    for (let moves = 0; moves < 60; moves += 1) {
      now += Math.floor(random() * 1_500);
      const what = random();
      if (what < 0.5) {
        document = `${document}${Math.floor(random() * 10)}`;
        step(edited(document, now));
      } else if (what < 0.75) answer();
      else step(due(document, now));
    }
    for (let quiet = 0; quiet < 60 && hasUnsaved(state); quiet += 1) {
      now += 40_000;
      step(due(document, now));
      answer();
    }
    expect(server.document).toBe(document);
    expect(state).toEqual(savedState({ document, etag: String(server.etag) }));
  });
});
