"use client";

// Keeps what grows in sight, and stops as soon as the reader looks elsewhere.
import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from "react";

const NEAR_PX = 32;

interface Tail<T extends HTMLElement> {
  readonly ref: RefObject<T | null>;
  readonly onScroll: () => void;
  /** True while the reader has scrolled away from the end. */
  readonly isAway: boolean;
  readonly follow: () => void;
}

/** Scrolls an area to its end whenever `text` has changed. Scrolled up it stays; scrolled down again it goes on. */
export function useTail<T extends HTMLElement>(text: string, isGrowing: boolean): Tail<T> {
  const ref = useRef<T>(null);
  const isFollowing = useRef(true);
  const hasGrown = useRef(false);
  const [isAway, setAway] = useState(false);
  useLayoutEffect(() => {
    hasGrown.current ||= isGrowing; // the last words come with the news that there are no more
    if (hasGrown.current && isFollowing.current) toEnd(ref.current);
  }, [text, isGrowing]);
  const onScroll = useCallback(() => {
    const area = ref.current;
    if (area === null) return;
    isFollowing.current = area.scrollHeight - area.scrollTop - area.clientHeight < NEAR_PX;
    setAway(!isFollowing.current);
  }, []);
  const follow = useCallback(() => {
    isFollowing.current = true;
    setAway(false);
    toEnd(ref.current);
  }, []);
  return { ref, onScroll, isAway: isAway && isGrowing, follow };
}

function toEnd(area: HTMLElement | null): void {
  if (area !== null) area.scrollTop = area.scrollHeight;
}
