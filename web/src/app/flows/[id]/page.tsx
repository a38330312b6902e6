import type { Metadata } from "next";
import { BuilderScreen } from "@/features/builder/screen";

export const metadata: Metadata = { title: "Flow" };

/** One page stands for every flow: which one it is, it reads off the address. */
export function generateStaticParams() {
  return [{ id: "_" }];
}

export default function Page() {
  return <BuilderScreen />;
}
