"use client";

// The builder is large, and only a browser can draw it: it is loaded when its screen is opened.
import { late } from "@/shared/ui/late";
import { Problem } from "@/shared/ui/problem";
import { Opening, ROOM } from "./opening";

export const BuilderScreen = late(() => import("./builder").then((module) => module.FlowBuilder), {
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
