"use client";

// What the canvas asks before it does something: which node to add, to connect to or to go to, which name, which edge.
import { createContext, useState, type ReactNode } from "react";
import type { Position } from "../document";
import { KeySheet } from "../keyboard/sheet";
import { AddDialog } from "../palette/add-dialog";
import { ConnectList, EdgeList, NodeList } from "./lists";
import { RenameDialog } from "./rename";

export type Question =
  | { is: "add"; after: string | null; at?: Position }
  | { is: "insert"; into: string }
  | { is: "connect"; from: string }
  | { is: "find" }
  | { is: "edges"; of: string }
  | { is: "rename"; node: string }
  | { is: "help" };

export type Asking = (question: Question) => void;

/** For what is drawn deep in the canvas. */
export const Ask = createContext<Asking>(() => undefined);

export function useAsking(): { ask: Asking; dialog: ReactNode } {
  const [question, setQuestion] = useState<Question | null>(null);
  const close = () => setQuestion(null);
  return { ask: setQuestion, dialog: question && <Asked question={question} onClose={close} /> };
}

function Asked({ question, onClose }: { question: Question; onClose: () => void }) {
  switch (question.is) {
    case "add":
      return <AddDialog after={question.after} {...(question.at && { at: question.at })} onClose={onClose} />;
    case "insert":
      return <AddDialog after={null} into={question.into} onClose={onClose} />;
    case "find":
      return <NodeList onClose={onClose} />;
    case "connect":
      return <ConnectList from={question.from} onClose={onClose} />;
    case "edges":
      return <EdgeList of={question.of} onClose={onClose} />;
    case "rename":
      return <RenameDialog node={question.node} onClose={onClose} />;
    case "help":
      return <KeySheet onClose={onClose} />;
  }
}
