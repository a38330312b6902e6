// What can go wrong with a request, in the words of the server.
import type { components } from "./schema";

export type ProblemDocument = components["schemas"]["Problem"];

/** The server refused, or could not. `detail` is its sentence for people. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";

  constructor(
    readonly status: number,
    readonly document: ProblemDocument,
  ) {
    super(document.detail);
  }

  /** The last part of the problem's type: `not-found`, `stale`, ... */
  get slug(): string {
    return this.document.type.slice(this.document.type.lastIndexOf(":") + 1);
  }

  /** The sentence about one field of the request, by its JSON pointer, where there is one, and what it says. */
  at(pointer: string): Pick<ProblemDocument, "detail" | "said"> | undefined {
    const { where, errors } = this.document;
    return errors?.find((one) => one.pointer === pointer) ?? (where === pointer ? this.document : undefined);
  }
}

/** No answer came at all. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** The problem of an answer that is none of the good ones. */
export function problemOf(status: number, body: unknown, requestId: string | null): ApiProblem {
  if (isProblem(body)) return new ApiProblem(status, body);
  const detail = `The server answered with status ${status}.`;
  return new ApiProblem(status, {
    type: "urn:agent-lab:problem:unreadable",
    title: detail,
    status,
    detail,
    request_id: requestId ?? "",
  } as ProblemDocument);
}

function isProblem(body: unknown): body is ProblemDocument {
  return typeof body === "object" && body !== null && "detail" in body && "type" in body;
}
