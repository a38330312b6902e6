// Room for charts that are on their way, of the size that they will have.
import { Skeleton } from "@/shared/ui/bits";
import { Panel } from "@/shared/ui/panel";

export function ChartSkeleton({ title }: { title: string }) {
  return (
    <Panel title={title}>
      <Skeleton className="h-5 w-48" />
      <Skeleton className="mt-2 h-44" />
    </Panel>
  );
}
