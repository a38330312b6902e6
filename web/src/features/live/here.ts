"use client";

// The run that this screen shows, for every part of it.
import { createContext, useContext } from "react";
import type { Run } from "@/shared/run/run";

const Here = createContext<Run | null>(null);

export const RunHere = Here.Provider;

export function useRunHere(): Run {
  const run = useContext(Here);
  if (run === null) throw new Error("This part of the page belongs on the screen of a run.");
  return run;
}
