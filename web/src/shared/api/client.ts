// The one door to the server: typed by its OpenAPI document, errors as `ApiProblem` or `Unreachable`.
import createClient from "openapi-fetch";
import { problemOf, Unreachable } from "./problem";
import type { paths } from "./schema";

/** Where the API is: this page's own server, unless the app was built or started for another one. */
export const API_URL = (process.env.NEXT_PUBLIC_API_URL ?? "").replace(/\/+$/, "");

/** `fetch` to the server's own paths, with the session's cookie. Raises Unreachable where no answer comes. */
export async function ask(path: string | URL | Request, init?: RequestInit): Promise<Response> {
  try {
    return await door(path, { credentials: "include", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable("The server does not answer.", { cause: error });
  }
}

let door: typeof fetch = (...asked) => fetch(...asked);

/** Let another server answer: the one that stands in for it in mock mode. */
export function answerWith(other: typeof fetch): void {
  door = other;
}

export const api = createClient<paths>({
  baseUrl: API_URL || (typeof location === "undefined" ? "http://localhost" : location.origin),
  fetch: (request) => ask(request),
  headers: { Accept: "application/json" },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** What a call answered. Raises ApiProblem where the server refused. */
export async function told<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  throw problemOf(response.status, error, response.headers.get("x-request-id"));
}

/** The same with the answer's headers, for an `ETag` or a `Location`. */
export async function toldWith<T>(call: Promise<Answer<T>>): Promise<{ data: T; headers: Headers }> {
  const { data, error, response } = await call;
  if (response.ok) return { data: data as T, headers: response.headers };
  throw problemOf(response.status, error, response.headers.get("x-request-id"));
}
