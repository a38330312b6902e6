import type { Metadata } from "next";
import { NewEvaluation } from "@/features/evaluations/form/form-screen";

export const metadata: Metadata = { title: "New evaluation" };

export default function Page() {
  return <NewEvaluation />;
}
