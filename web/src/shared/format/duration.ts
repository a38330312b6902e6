// A stretch of time in the units in which people say it; pure.
export type Duration =
  | { unit: "milliseconds"; ms: number }
  | { unit: "seconds"; seconds: number; digits: number }
  | { unit: "minutes"; minutes: number; seconds: number }
  | { unit: "hours"; hours: number; minutes: number };

/** A time that is guessed, in whole seconds: fractions would promise what nobody knows. */
export function guessOf(seconds: number): Duration {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return { unit: "seconds", seconds: whole, digits: 0 };
  return whole < 3600 ? { unit: "minutes", minutes: Math.floor(whole / 60), seconds: whole % 60 } : durationOf(whole);
}

/** Rounded first and parted then: 119.6 s are 2 min 0 s, not 1 min 60 s. */
export function durationOf(seconds: number): Duration {
  const ms = Math.round(seconds * 1000);
  if (ms < 1000) return { unit: "milliseconds", ms };
  if (seconds < 100) return { unit: "seconds", seconds, digits: seconds < 10 ? 2 : 1 };
  const whole = Math.round(seconds);
  if (whole < 3600) return { unit: "minutes", minutes: Math.floor(whole / 60), seconds: whole % 60 };
  const minutes = Math.round(whole / 60);
  return { unit: "hours", hours: Math.floor(minutes / 60), minutes: minutes % 60 };
}
