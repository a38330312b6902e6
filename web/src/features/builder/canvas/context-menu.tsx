"use client";

// The canvas's menu: what can be done with what is selected, or at the place where it was asked for.
import {
  Check,
  ClipboardPaste,
  Copy,
  CopyPlus,
  Keyboard,
  Maximize,
  Network,
  Palette,
  PenLine,
  Pin,
  Play,
  Plus,
  Scissors,
  SlidersHorizontal,
  Spline,
  StickyNote,
  SquareDashedMousePointer,
  Trash2,
  type LucideIcon,
} from "lucide-react";
import { useTranslations } from "use-intl";
import menuWords from "@/messages/en/canvas_menu";
import { withWords } from "@/shared/i18n/screen-words";
import { useCopy } from "@/shared/ui/copy";
import { MenuAt, MenuItem, MenuLine } from "@/shared/ui/menu";
import { toast } from "@/shared/ui/toast";
import { centred, copySelected, pasteText, removeSelected } from "../actions";
import { lately } from "../clipboard";
import type { Position } from "../document";
import { BINDINGS, keysOf } from "../keyboard/keys";
import { changeNote, NOTE_TONES, notesOf } from "../notes";
import { flowNow, selectedCount, selectedEdge, selectedNode, selectedNote, selectedOpenEdge, useBuilder, useBuilderStore, type Builder } from "../store";
import type { Asking } from "./asking";
import { enterTrial, useLeftOut, useNoting, type Doing } from "./use-keys";

interface ContextMenuProps {
  /** In the window. */
  at: { readonly x: number; readonly y: number };
  isKeyed: boolean;
  /** The same place in the flow. */
  place: Position;
  doing: Doing;
  ask: Asking;
  onClose: () => void;
}

/** A line of the menu; null for one that divides it. `command`: whose key is shown beside it. */
interface Line {
  readonly name: keyof typeof menuWords.items;
  readonly icon: LucideIcon;
  readonly command?: string;
  readonly isEdit?: boolean;
  readonly isDanger?: boolean;
  readonly isDisabled?: boolean;
  readonly act: () => void;
}

type Lines = readonly (Line | null)[];

export default withWords({ canvas_menu: menuWords }, ContextMenu);

function ContextMenu(props: ContextMenuProps) {
  const t = useTranslations("canvas_menu");
  const isReadOnly = useBuilder((state) => state.isReadOnly);
  const lines = divided(useLines(props).filter((line) => line === null || !isReadOnly || !isEditing(line)));
  return (
    <MenuAt at={props.at} isKeyed={props.isKeyed} label={t("label")} onClose={props.onClose}>
      {lines.map((line, place) =>
        line === null ? (
          <MenuLine key={place} />
        ) : (
          <MenuItem
            key={line.name}
            icon={<line.icon aria-hidden className="size-4" />}
            danger={line.isDanger ?? false}
            disabled={line.isDisabled ?? false}
            keys={line.command === undefined ? undefined : keysOf(line.command)}
            onSelect={line.act}
          >
            {t(`items.${line.name}`)}
          </MenuItem>
        ),
      )}
    </MenuAt>
  );
}

function isEditing({ isEdit, command }: Line): boolean {
  return isEdit ?? BINDINGS.some((binding) => binding.command === command && binding.isEdit === true);
}

/** Without lines that divide nothing. */
function divided(lines: Lines): Lines {
  return lines.filter((line, place) => line !== null || (place > 0 && lines[place - 1] !== null && lines.slice(place).some((later) => later !== null)));
}

function useLines(props: ContextMenuProps): Lines {
  const node = useBuilder(selectedNode);
  const edge = useBuilder(selectedEdge);
  const isOpen = useBuilder(selectedOpenEdge) !== null;
  const note = useBuilder(selectedNote);
  const canCopy = useBuilder((state) => selectedCount(state) > 0);
  const hasAny = useBuilder((state) => selectedCount(state) + state.selection.edges.size > 0);
  const builder = useBuilderStore();
  const noteAt = useNoting();
  const copying = useCopying(builder, props.doing);
  if (node !== null) return [...ofNode(builder, node, props), null, ...copying.taking, null, remove(builder)];
  if (edge !== null) return [...ofEdge(isOpen, props), null, remove(builder)];
  if (note !== null) return [...ofNote(builder, note, props), null, ...copying.taking, null, remove(builder)];
  if (hasAny) return [...(canCopy ? copying.taking : []), null, remove(builder)];
  return ofCanvas(props, copying.pasting(props.place), () => noteAt(builder, props.place));
}

function ofNode(builder: Builder, node: string, { doing }: ContextMenuProps): Lines {
  return [
    { name: "trial", icon: Play, act: () => enterTrial(builder, node, "question") },
    { name: "pins", icon: Pin, act: () => enterTrial(builder, node, "pins") },
    null,
    settings(builder, doing),
    { name: "rename", icon: PenLine, command: "rename", act: doing.rename },
    { name: "connect", icon: Spline, command: "connect", act: doing.connect },
    { name: "behind", icon: Plus, command: "add", act: doing.add },
  ];
}

function ofEdge(isOpen: boolean, { doing }: ContextMenuProps): Lines {
  return [settings(null, doing), { name: isOpen ? "into" : "into_none", icon: Plus, command: "add", isDisabled: !isOpen, act: doing.add }];
}

/** What it says and its size are settings; its colour is at hand. One that cannot be written can still be read whole there. */
function ofNote(builder: Builder, note: string, { doing }: ContextMenuProps): Lines {
  const tone = notesOf(flowNow(builder.getState())).get(note)?.tone;
  return [
    builder.getState().isReadOnly ? settings(null, doing) : { name: "write", icon: PenLine, command: "inspect", act: doing.inspect },
    ...NOTE_TONES.map((value): Line => ({
      name: `tone_${value}`,
      icon: tone === value ? Check : Palette,
      isEdit: true,
      isDisabled: tone === value,
      act: () => builder.getState().edit((flow) => changeNote(flow, note, { tone: value })),
    })),
  ];
}

function ofCanvas({ doing, ask, place }: ContextMenuProps, paste: Line, addNote: () => void): Lines {
  return [
    { name: "add", icon: Plus, command: "add", act: () => ask({ is: "add", after: null, at: centred(place) }) },
    { name: "note", icon: StickyNote, command: "note", act: addNote },
    paste,
    null,
    { name: "select_all", icon: SquareDashedMousePointer, command: "select_all", act: doing.select_all },
    { name: "tidy", icon: Network, command: "tidy", act: doing.tidy },
    { name: "fit", icon: Maximize, command: "fit", act: doing.fit },
    { name: "help", icon: Keyboard, command: "help", act: doing.help },
  ];
}

/** `builder`: of a node, whose settings are shown as such whatever was looked at before. */
function settings(builder: Builder | null, doing: Doing): Line {
  const act = () => {
    const node = builder === null ? null : selectedNode(builder.getState());
    if (builder !== null && node !== null) builder.getState().openTab(node, "settings");
    doing.inspect();
  };
  return { name: "settings", icon: SlidersHorizontal, command: "inspect", act };
}

function remove(builder: Builder): Line {
  return { name: "delete", icon: Trash2, command: "delete", isDanger: true, act: () => removeSelected(builder) };
}

/** Copying and pasting without their keys. */
function useCopying(builder: Builder, doing: Doing): { taking: readonly Line[]; pasting: (place: Position) => Line } {
  const t = useTranslations("canvas_menu");
  const put = useCopy();
  const sayLeft = useLeftOut();
  const copy = async () => {
    const text = copySelected(builder);
    if (text !== null) await put(text);
  };
  const cut = async () => {
    const text = copySelected(builder);
    if (text === null) return;
    // Before the browser has it: a key that is pressed right after this is not meant for what is cut.
    removeSelected(builder);
    const left = flowNow(builder.getState());
    if (!(await put(text)) && flowNow(builder.getState()) === left) builder.getState().undo();
  };
  const paste = async (place: Position) => {
    const text = await readCopied();
    if (text === null) return toast(t("paste_by_key"), "bad");
    const left = pasteText(builder, text, place);
    if (left === null) toast(t("nothing_to_paste"), "bad");
    else sayLeft(left);
  };
  return {
    taking: [
      { name: "duplicate", icon: CopyPlus, command: "duplicate", act: doing.duplicate },
      { name: "copy", icon: Copy, command: "copy", act: () => void copy() },
      { name: "cut", icon: Scissors, command: "cut", act: () => void cut() },
    ],
    pasting: (place) => ({ name: "paste", icon: ClipboardPaste, command: "paste", act: () => void paste(place) }),
  };
}

/** What was copied last: as the system has it, else as this page does; null where neither can be known. */
async function readCopied(): Promise<string | null> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    return lately.copied;
  }
}
