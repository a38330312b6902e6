// Ids as the server makes them: of runs by their time, of requests by chance.

export function v4(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

/** `20260101t120000-0123456789`. */
export function runId(nowMs: number): string {
  const [day = "", time = ""] = new Date(nowMs).toISOString().split("T");
  return `${day.replaceAll("-", "")}t${time.slice(0, 8).replaceAll(":", "")}-${v4().slice(0, 10)}`;
}
