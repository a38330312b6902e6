"use client";

// Mock mode: everything that the app asks of its server is answered in the page, from a recording that is loaded first.
import type { ReactNode } from "react";
import { answerWith } from "@/shared/api/client";
import { BROWSER } from "@/run/browser";
import type { Recording } from "./recording";

async function open() {
  const [{ MockServer }, recorded] = await Promise.all([import("./server"), import("./recorded.json")]);
  return new MockServer(recorded.default as unknown as Recording, BROWSER);
}

let server: ReturnType<typeof open> | undefined;

answerWith(async (...asked) => {
  server ??= open();
  return (await server).fetch(...asked);
});

/** Stands around all that asks the server, so that this module is there before the first question. */
export function MockMode({ children }: { children: ReactNode }) {
  return children;
}
