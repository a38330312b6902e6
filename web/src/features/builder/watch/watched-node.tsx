"use client";

// The node that is selected, in the run that is looked at.
import { useRunView } from "@/shared/run/run";
import { Fault, NodeRun } from "./node-run";
import { useWatched } from "./watching";

export function WatchedNode({ id }: { id: string }) {
  const run = useWatched();
  const fault = useRunView(run)?.fault ?? null;
  return (
    <div className="flex flex-col gap-3">
      {fault?.node?.split(/[/[~]/, 1)[0] === id && <Fault run={run} />}
      <NodeRun run={run} id={id} />
    </div>
  );
}
