"use client";

// Calls flows by their names in the language of the app, where a list has only their ids.
import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { useLocale } from "use-intl";
import { flowsQuery } from "@/shared/api/endpoints";
import { inLanguage } from "./text";

/** The name of a flow; its id while the flows are not known yet, or where it is none of them any more. */
export function useFlowName(): (id: string) => string {
  const locale = useLocale();
  const flows = useQuery(flowsQuery).data?.flows;
  return useCallback(
    (id: string) => inLanguage(flows?.find((flow) => flow.id === id)?.name, locale) || id,
    [flows, locale],
  );
}
