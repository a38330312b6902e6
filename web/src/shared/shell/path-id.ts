"use client";

// Which thing an address names: of `/runs/20261121t…` the run. One exported page stands for all of them.
import { usePathname } from "next/navigation";
import { useSyncExternalStore } from "react";

const NEVER = () => () => undefined;
const SHELL = "_";

/** The second part of the address; null until the page is alive, for until then it is the shell of every id. */
export function usePathId(): string | null {
  const path = usePathname();
  const isAlive = useSyncExternalStore(NEVER, () => true, () => false);
  const part = path.split("/").filter((one) => one !== "")[1];
  return isAlive && part !== undefined && part !== SHELL ? decoded(part) : null;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // what cannot be read names nothing, and the server says so
  }
}
