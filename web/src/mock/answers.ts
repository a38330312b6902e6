// The forms of answers that the real server has: JSON, problems, and what mock mode does not know.
import { v4 } from "./ids";

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

export function nothing(): Response {
  return new Response(null, { status: 204 });
}

export function problem(status: number, slug: string, detail: string): Response {
  const body = { type: `urn:agent-lab:problem:${slug}`, title: detail, status, detail, request_id: v4() };
  return json(body, status, { "content-type": "application/problem+json" });
}

/** Mock mode has recorded answers and no others. */
export function unknown(detail: string): Response {
  return problem(501, "not-recorded", detail);
}

export function missing(detail: string): Response {
  return problem(404, "not-found", detail);
}
