"use client";

// Keeps what the server said, asks again when it is old, and knows whether the server is there and lets this browser in.
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { create } from "zustand";
import { ApiProblem, Unreachable } from "./problem";

interface Session {
  signedOut: boolean;
  reachable: boolean;
}

export const useSession = create<Session>(() => ({ signedOut: false, reachable: true }));

/** Note what an error says of the connection. */
export function noteError(error: unknown): void {
  if (error instanceof Unreachable) useSession.setState({ reachable: false });
  if (error instanceof ApiProblem && error.status === 401) useSession.setState({ signedOut: true, reachable: true });
}

/** Note that the server answered. */
export function noteAnswer(): void {
  if (!useSession.getState().reachable) useSession.setState({ reachable: true });
}

function isWorthRepeating(count: number, error: Error): boolean {
  if (error instanceof ApiProblem) return error.status >= 502 && count < 2;
  return count < 2;
}

function makeClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError: noteError, onSuccess: noteAnswer }),
    mutationCache: new MutationCache({ onError: noteError, onSuccess: noteAnswer }),
    defaultOptions: {
      // The server is most often this machine: it answers where the browser says that there is no network.
      queries: { staleTime: 10_000, retry: isWorthRepeating, retryDelay: (count) => 500 * 2 ** count, networkMode: "always", refetchOnReconnect: true },
      mutations: { networkMode: "always" },
    },
  });
}

/** The store of answers for all that is inside. */
export function Answers({ children }: { children: ReactNode }) {
  const [client] = useState(makeClient);
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
