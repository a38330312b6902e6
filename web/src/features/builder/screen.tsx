"use client";

// The builder is large, and only a browser can draw it: it is loaded when its screen is opened.
import { late } from "@/shared/ui/late";
import { Problem } from "@/shared/ui/problem";
import { Opening, ROOM } from "./opening";

async function builder() {
  const { rest } = await import("./parts");
  return (await rest()).FlowBuilder;
}

export const BuilderScreen = late(builder, {
  waiting: () => (
    <div className={ROOM}>
      <Opening />
    </div>
  ),
  missing: (told) => (
    <div className={ROOM}>
      <Problem {...told} />
    </div>
  ),
});
