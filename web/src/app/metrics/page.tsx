import { MetricsPanel } from "@/features/metrics/metrics-panel";

export default function Page() {
  return <MetricsPanel />;
}
