"use client";

// The filter of the list, which the address keeps: it survives a reload, and can be sent to somebody.
import { useSearchParams } from "next/navigation";
import { useCallback, useLayoutEffect, useRef, useState } from "react";
import { filterOf, searchOf, type Filter } from "./filter";

/** The page's own word is what counts: the address follows it, late and in several steps where much is going on. */
export function useFilter(): [Filter, (part: Partial<Filter>) => void] {
  const address = useSearchParams().toString();
  const [known, setKnown] = useState(address);
  const [filter, setFilter] = useState(() => filterOf(new URLSearchParams(address)));
  const [written, setWritten] = useState<readonly string[]>([]);
  if (address !== known) {
    setKnown(address);
    // An address that was not written here: a link, or the way back.
    if (!written.includes(address)) setFilter(filterOf(new URLSearchParams(address)));
    if (!written.includes(address) || address === written.at(-1)) setWritten([]);
  }
  const latest = useRef(filter);
  // At once: later, it could take back what is changed meanwhile.
  useLayoutEffect(() => {
    latest.current = filter;
  }, [filter]);
  const change = useCallback((part: Partial<Filter>) => {
    latest.current = { ...latest.current, ...part };
    const search = searchOf(latest.current);
    setFilter(latest.current);
    setWritten((before) => [...before, search.slice(1)]);
    // Not by the router: it would fetch the page anew for another text behind its question mark.
    history.replaceState(null, "", `${location.pathname}${search}`);
  }, []);
  return [filter, change];
}
