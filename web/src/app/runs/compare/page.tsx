import type { Metadata } from "next";
import { Suspense } from "react";
import { CompareScreen } from "@/features/runs/comparison/screen";

export const metadata: Metadata = { title: "Compare" };

export default function Page() {
  return (
    <Suspense>
      <CompareScreen />
    </Suspense>
  );
}
