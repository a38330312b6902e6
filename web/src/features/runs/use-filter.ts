"use client";

// The filter of the list, which the address keeps: it survives a reload, and can be sent to somebody.
import { useSearchParams } from "next/navigation";
import { useCallback, useMemo } from "react";
import { filterOf, searchOf, type Filter } from "./filter";

export function useFilter(): [Filter, (part: Partial<Filter>) => void] {
  const search = useSearchParams();
  const text = search.toString();
  const filter = useMemo(() => filterOf(new URLSearchParams(text)), [text]);
  const change = useCallback((part: Partial<Filter>) => {
    const before = filterOf(new URLSearchParams(location.search));
    // Not by the router: it would fetch the page anew for another text behind its question mark.
    history.replaceState(null, "", `${location.pathname}${searchOf({ ...before, ...part })}`);
  }, []);
  return [filter, change];
}
