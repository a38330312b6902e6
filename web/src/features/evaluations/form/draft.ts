// The evaluation that is being put together, kept in this browser until it is sent, and what of it is not yet right.
import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { AnyArm, EvaluationSpec } from "../api";

export const KINDS = ["flow", "single", "vote", "best_of", "best_single", "without", "noise", "drafts_vote", "equal_cost"] as const;
export type Kind = (typeof KINDS)[number];
export const SCORERS = ["number", "exact", "choice", "contains", "regex", "json", "code", "judge"] as const;
export type Scorer = (typeof SCORERS)[number];

/** An arm as it is typed; what its kind does not take stays, for another kind may. */
export interface ArmDraft {
  key: string;
  kind: Kind;
  name: string;
  flow: string;
  node: string;
  k: string;
  model: string;
}

export interface Draft {
  name: string;
  dataset: string;
  split: "" | "tune" | "test";
  limit: string;
  shuffled: boolean;
  arms: readonly ArmDraft[];
  baseline: string;
  scorer: Scorer;
  pattern: string;
  tolerance: string;
  judgeModel: string;
  judgeQuestion: string;
  /** Whether the programs that models write may be run, which their tests need. */
  runCode: boolean;
  samples: string;
  seed: string;
  marginPoints: string;
  budgetUsd: string;
  language: "" | "en" | "es";
}

export const EMPTY: Draft = {
  name: "",
  dataset: "demo",
  split: "",
  limit: "",
  shuffled: false,
  arms: [{ key: "1", kind: "flow", name: "", flow: "challenge", node: "", k: "5", model: "" }],
  baseline: "auto",
  scorer: "number",
  pattern: "",
  tolerance: "",
  judgeModel: "",
  judgeQuestion: "",
  runCode: false,
  samples: "",
  seed: "",
  marginPoints: "",
  budgetUsd: "",
  language: "",
};

interface DraftStore extends Draft {
  change: (changes: Partial<Draft>) => void;
  changeArm: (key: string, changes: Partial<ArmDraft>) => void;
  addArm: (kind: Kind) => void;
  removeArm: (key: string) => void;
}

/** Read back from the browser with `useDraft.persist.rehydrate()`, once the page is alive. */
export const useDraft = create<DraftStore>()(
  persist(
    (set) => ({
      ...EMPTY,
      change: set,
      changeArm: (key, changes) => set((draft) => withArm(draft, key, changes)),
      addArm: (kind) => set(({ arms }) => ({ arms: [...arms, nextArm(arms, kind)] })),
      removeArm: (key) => set((draft) => withoutArm(draft, key)),
    }),
    {
      name: "agent-lab.evaluation",
      version: 1,
      skipHydration: true,
      partialize: kept,
    },
  ),
);

/** What is read back later. The leave to run programs is not: whoever comes back is asked anew. */
export function kept({ change: _, changeArm: _c, addArm: _a, removeArm: _r, runCode: _run, ...draft }: DraftStore): Omit<Draft, "runCode"> {
  return draft;
}

function nextArm(arms: readonly ArmDraft[], kind: Kind): ArmDraft {
  const last = arms.at(-1);
  const key = String(Math.max(0, ...arms.map((arm) => Number(arm.key))) + 1);
  return { key, kind, name: "", flow: last?.flow ?? "challenge", node: "", k: "5", model: "" };
}

/** A baseline keeps being one under another name. */
function withArm({ arms, baseline }: Draft, key: string, changes: Partial<ArmDraft>): Partial<Draft> {
  const before = arms.find((arm) => arm.key === key);
  if (before === undefined) return {};
  const after = { ...before, ...changes };
  return {
    arms: arms.map((arm) => (arm === before ? after : arm)),
    ...(baseline === nameOf(before) && { baseline: nameOf(after) }),
  };
}

/** A baseline that is gone is none: each flow is then held against its equal-cost one. */
function withoutArm(draft: Draft, key: string): Partial<Draft> {
  const gone = draft.arms.find((arm) => arm.key === key);
  const arms = draft.arms.filter((arm) => arm.key !== key);
  return { arms, ...(gone !== undefined && draft.baseline === nameOf(gone) && { baseline: "auto" }) };
}

const TAKES_FLOW: readonly Kind[] = ["flow", "without", "noise", "drafts_vote", "equal_cost"];
const TAKES_K: readonly Kind[] = ["vote", "best_of"];
const TAKES_LIKE: readonly Kind[] = ["single", "vote", "best_of"];

export const takesFlow = (kind: Kind) => TAKES_FLOW.includes(kind);
/** Those that may answer as the first draft of a flow does. */
export const takesLike = (kind: Kind) => TAKES_LIKE.includes(kind);
export const takesK = (kind: Kind) => TAKES_K.includes(kind);
export const takesNode = (kind: Kind) => kind === "without" || kind === "noise";

/** The name that an arm goes by: what was typed, else what it is, as the command line writes it. */
export function nameOf({ kind, name, flow, node, k, model }: ArmDraft): string {
  if (name.trim() !== "") return name.trim();
  const [like, by] = [flow === "" ? "" : `~${flow}`, model === "" ? "" : `:${model}`];
  switch (kind) {
    case "flow":
      return flow;
    case "single":
      return `single${like}${by}`;
    case "vote":
      return `vote${like}:${k}${by}`;
    case "best_of":
      return `best-of${like}:${k}${by}`;
    case "best_single":
      return "best-single";
    case "without":
      return node === "" ? `without:${flow}` : `without:${flow}/${node}`;
    case "noise":
      return node === "" ? `noise:${flow}` : `noise:${flow}/${node}`;
    case "drafts_vote":
      return `drafts:${flow}`;
    case "equal_cost":
      return `equal-cost:${flow}`;
  }
}

export type NumberField = "limit" | "samples" | "seed" | "marginPoints" | "budgetUsd" | "tolerance";
type Bounds = readonly [least: number, most: number, isWhole: boolean];
export const BOUNDS: Record<NumberField, Bounds> = {
  limit: [1, 100_000, true],
  samples: [1, 100, true],
  seed: [0, 2 ** 31 - 1, true],
  marginPoints: [0.1, 99, false],
  budgetUsd: [0, 1_000_000, false],
  tolerance: [0, Number.MAX_VALUE, false],
};

/** The number that a text says: null where it says none, undefined where it is not one that would do. */
export function numberIn(text: string, [least, most, isWhole]: Bounds): number | null | undefined {
  const trimmed = text.trim().replace(",", ".");
  if (trimmed === "") return null;
  const value = Number(trimmed);
  return Number.isFinite(value) && value >= least && value <= most && (!isWhole || Number.isInteger(value)) ? value : undefined;
}

export type Wrong =
  | { at: NumberField; word: "number" }
  | { at: "arms"; word: "none" }
  | { at: "pattern"; word: "pattern" }
  | { at: "runCode"; word: "run_code" }
  | { at: "arm"; key: string; word: "flow" | "k" | "twice" | "comma" };

/** What must be mended before it can be sent. */
export function wrongIn(draft: Draft): Wrong[] {
  const fields = (Object.keys(BOUNDS) as NumberField[]).filter((field) => numberIn(draft[field], BOUNDS[field]) === undefined);
  const names = draft.arms.map(nameOf);
  const arms = draft.arms.flatMap((arm, index): Wrong[] => {
    const wrong = wrongArm(arm) ?? (names.indexOf(nameOf(arm)) < index ? "twice" : undefined);
    return wrong === undefined ? [] : [{ at: "arm", key: arm.key, word: wrong }];
  });
  return [
    ...fields.map((at): Wrong => ({ at, word: "number" })),
    ...(draft.arms.length === 0 ? [{ at: "arms", word: "none" } as const] : []),
    ...(draft.scorer === "code" && !draft.runCode ? [{ at: "runCode", word: "run_code" } as const] : []),
    ...(draft.scorer === "regex" && draft.pattern.trim() === "" ? [{ at: "pattern", word: "pattern" } as const] : []),
    ...arms,
  ];
}

function wrongArm({ kind, name, flow, k }: ArmDraft): "flow" | "k" | "comma" | undefined {
  if (name.includes(",")) return "comma";
  if (takesFlow(kind) && flow === "") return "flow";
  return takesK(kind) && !numberIn(k, [kind === "vote" ? 1 : 2, 64, true]) ? "k" : undefined;
}

/** The evaluation that the draft asks for. Call it where nothing is wrong. */
export function specOf(draft: Draft, language: "en" | "es"): EvaluationSpec {
  const number = (field: NumberField) => numberIn(draft[field], BOUNDS[field]) ?? null;
  const margin = number("marginPoints");
  return {
    name: draft.name.trim(),
    dataset: draft.dataset,
    split: draft.split === "" ? null : draft.split,
    limit: number("limit"),
    order: draft.shuffled ? "shuffled" : "given",
    arms: draft.arms.map(armOf),
    baseline: draft.baseline,
    scorer: scorerOf(draft),
    run_code: draft.scorer === "code" && draft.runCode,
    samples: number("samples") ?? 1,
    seed: number("seed") ?? 0,
    margin: margin === null ? 0.02 : margin / 100,
    budget_usd: number("budgetUsd"),
    language: draft.language || language,
  } as EvaluationSpec;
}

function scorerOf({ scorer, pattern, tolerance, judgeModel, judgeQuestion }: Draft) {
  return {
    name: scorer,
    ...(scorer === "regex" && { pattern }),
    ...(scorer === "number" && { tolerance: numberIn(tolerance, BOUNDS.tolerance) ?? 0 }),
    ...(scorer === "judge" && { model: judgeModel || null, question: judgeQuestion.trim() || null }),
  };
}

function armOf(arm: ArmDraft): AnyArm {
  const { kind, flow, node, model } = arm;
  const like = takesLike(kind) ? { like: flow === "" ? null : flow, model: model === "" ? null : model } : {};
  return {
    kind,
    name: nameOf(arm),
    ...(takesFlow(kind) && { flow }),
    ...(takesNode(kind) && { node: node === "" ? null : node }),
    ...(takesK(kind) && { k: Number(arm.k) }),
    ...like,
  } as AnyArm;
}
