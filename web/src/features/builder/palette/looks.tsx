// What each kind of node looks like, and where it stands in the palette.
import {
  BookOpenText,
  Boxes,
  Combine,
  Gavel,
  Hand,
  History,
  MemoryStick,
  Puzzle,
  Repeat2,
  Scissors,
  ShieldCheck,
  Sparkles,
  Tags,
  Vote,
  Wrench,
  type LucideIcon,
} from "lucide-react";
import { useTranslations } from "use-intl";

export const GROUPS = ["ask", "decide", "shape", "look", "more"] as const;
export type Group = (typeof GROUPS)[number];

const LOOKS = {
  generate: ["ask", Sparkles],
  map: ["ask", Repeat2],
  subflow: ["ask", Boxes],
  vote: ["decide", Vote],
  judge: ["decide", Gavel],
  validator: ["decide", ShieldCheck],
  human: ["decide", Hand],
  transform: ["shape", Scissors],
  summary: ["shape", Combine],
  tool: ["shape", Wrench],
  analyzer: ["look", Tags],
  history: ["look", History],
  resources: ["look", MemoryStick],
} as const satisfies Record<string, readonly [Group, LucideIcon]>;

export type KnownKind = keyof typeof LOOKS;

export function isKnownKind(kind: string): kind is KnownKind {
  return Object.hasOwn(LOOKS, kind);
}

export function groupOf(kind: string): Group {
  return isKnownKind(kind) ? LOOKS[kind][0] : "more";
}

export function KindIcon({ kind, className }: { kind: string; className?: string }) {
  const Icon = isKnownKind(kind) ? LOOKS[kind][1] : kind === "" ? BookOpenText : Puzzle;
  return <Icon aria-hidden className={className} />;
}

/** What a kind does; of a plug-in's in its own words. */
export function useKindAbout(): (kind: { name: string; summary: string }) => string {
  const t = useTranslations("canvas.kinds");
  return ({ name, summary }) => (isKnownKind(name) ? t(`${name}.about`) : summary);
}

/** What a kind is called; a plug-in's kind by its own name. */
export function useKindName(): (kind: string) => string {
  const t = useTranslations("canvas.kinds");
  return (kind) => (isKnownKind(kind) ? t(`${kind}.name`) : kind);
}
