"use client";

// What the server said when it did not send the run, or what is said in its place.
import type { Trouble } from "@/run/connection";
import { ServerText } from "@/shared/ui/server-text";

export function TroubleText({ trouble, otherwise }: { trouble: Trouble; otherwise: string }) {
  return trouble.detail === null ? otherwise : <ServerText text={trouble.detail} said={trouble.said} />;
}
