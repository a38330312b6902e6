import type { Metadata } from "next";
import { FlowsScreen } from "@/features/builder/list/flows-screen";

export const metadata: Metadata = { title: "Flows" };

export default function Page() {
  return <FlowsScreen />;
}
