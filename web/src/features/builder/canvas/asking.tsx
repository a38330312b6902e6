"use client";

// What the canvas asks before it does something: which node to add or to connect to, which name, which edge.
import { useState, type ReactNode } from "react";
import type { Position } from "../document";
import { KeySheet } from "../keyboard/sheet";
import { AddDialog } from "../palette/add-dialog";
import { ConnectList, EdgeList } from "./lists";
import { RenameDialog } from "./rename";

export type Question =
  | { is: "add"; after: string | null; at?: Position }
  | { is: "connect"; from: string }
  | { is: "edges"; of: string }
  | { is: "rename"; node: string }
  | { is: "help" };

export type Asking = (question: Question) => void;

export function useAsking(): { ask: Asking; dialog: ReactNode } {
  const [question, setQuestion] = useState<Question | null>(null);
  const close = () => setQuestion(null);
  return { ask: setQuestion, dialog: question && <Asked question={question} onClose={close} /> };
}

function Asked({ question, onClose }: { question: Question; onClose: () => void }) {
  switch (question.is) {
    case "add":
      return <AddDialog after={question.after} {...(question.at && { at: question.at })} onClose={onClose} />;
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
