"use client";

// The builder is large, and only a browser can draw it: it is loaded when its screen is opened.
import dynamic from "next/dynamic";
import { Opening, ROOM } from "./opening";

export const BuilderScreen = dynamic(() => import("./builder").then((module) => module.FlowBuilder), {
  ssr: false,
  loading: () => (
    <div className={ROOM}>
      <Opening />
    </div>
  ),
});
