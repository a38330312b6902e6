// The browser as a run's stream needs it.

import type { Surroundings } from "./connection";

export const BROWSER: Surroundings = {
  fetch: (url, init) => fetch(url, init),
  now: () => Date.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  hidden: () => document.hidden,
  watchHidden: (changed) => {
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  },
};
