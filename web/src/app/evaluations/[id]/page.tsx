import type { Metadata } from "next";
import { OneEvaluation } from "@/features/evaluations/run/one-screen";

export const metadata: Metadata = { title: "Evaluation" };

/** One page stands for every evaluation: which one it is, it reads off the address. */
export function generateStaticParams() {
  return [{ id: "_" }];
}

export default function Page() {
  return <OneEvaluation />;
}
