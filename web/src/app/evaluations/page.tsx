import type { Metadata } from "next";
import { EvaluationsScreen } from "@/features/evaluations/list/list-screen";

export const metadata: Metadata = { title: "Evaluations" };

export default function Page() {
  return <EvaluationsScreen />;
}
