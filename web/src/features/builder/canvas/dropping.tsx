"use client";

// Takes in the kinds that are dragged out of the palette: onto the canvas, or into the edge that they are held over.
import { useReactFlow } from "@xyflow/react";
import { type DragEvent } from "react";
import { useTranslations } from "use-intl";
import { toast } from "@/shared/ui/toast";
import { add, centred, insert } from "../actions";
import { edgeOf, takesNode } from "../document";
import { KIND_TYPE } from "../palette/palette";
import { flowNow, useBuilder, type Builder } from "../store";

/** An edge is a thin thing to hit: it is met also so many pixels beside it. */
const NEAR_PX = 14;
const PROBES = [[0, 0], [0, -NEAR_PX], [0, NEAR_PX], [-NEAR_PX, 0], [NEAR_PX, 0]] as const;

interface Point {
  readonly clientX: number;
  readonly clientY: number;
}

/** For the element around the canvas. */
export function useDropping(builder: Builder) {
  const t = useTranslations("canvas.edge");
  const { screenToFlowPosition } = useReactFlow();
  const { aim } = builder.getState();
  return {
    onDragOver: (event: DragEvent) => {
      if (!event.dataTransfer.types.includes(KIND_TYPE) || builder.getState().isReadOnly) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      aim(edgeAt(event));
    },
    onDragLeave: ({ currentTarget, relatedTarget }: DragEvent) => {
      if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) aim(null);
    },
    onDrop: (event: DragEvent) => {
      const kind = event.dataTransfer.getData(KIND_TYPE);
      aim(null);
      if (kind === "") return;
      event.preventDefault();
      // The palette has let go of what was dragged: the keys are the new node's from here on.
      (document.activeElement as HTMLElement | null)?.blur();
      const edge = edgeAt(event);
      if (edge === null) add(builder, { kind, after: null, at: centred(screenToFlowPosition({ x: event.clientX, y: event.clientY })) });
      else if (insert(builder, kind, edge) === "") toast(t("takes_none"), "bad");
    },
  };
}

/** The edge, or the edge's label, under a point or right beside it; none where a node is. */
function edgeAt({ clientX, clientY }: Point): string | null {
  for (const [dx, dy] of PROBES) {
    const there = document.elementFromPoint(clientX + dx, clientY + dy);
    if (dx === 0 && dy === 0 && there?.closest(".react-flow__node")) return null;
    const id = there?.closest<HTMLElement | SVGElement>(".react-flow__edge, [data-edge]")?.dataset;
    const found = id?.["edge"] ?? id?.["id"];
    if (found !== undefined) return found;
  }
  return null;
}

/** Says what letting go would do. */
export function DropHint() {
  const t = useTranslations("canvas.edge");
  const edge = useBuilder((state) => (state.aimed === null ? undefined : edgeOf(flowNow(state), state.aimed)));
  if (edge === undefined) return null;
  const isOpen = takesNode(edge);
  return (
    <p
      role="status"
      className={`pointer-events-none absolute bottom-3 left-1/2 z-10 w-max max-w-[90%] -translate-x-1/2 rounded-md border bg-surface px-3 py-1.5 text-sm shadow-lift ${isOpen ? "border-accent text-accent" : "border-bad text-bad"}`}
    >
      {isOpen ? t("takes", { from: edge.from, to: edge.to }) : t("takes_none")}
    </p>
  );
}
