import type { Metadata } from "next";
import { LiveRun } from "@/features/live/live-run";

export const metadata: Metadata = { title: "Run" };

/** One page stands for every run: which one it is, it reads off the address. */
export function generateStaticParams() {
  return [{ id: "_" }];
}

export default function Page() {
  return <LiveRun />;
}
