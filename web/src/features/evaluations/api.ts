// What the screens of evaluations ask of the server.
import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { api, told } from "@/shared/api/client";
import { ApiProblem } from "@/shared/api/problem";
import type { components } from "@/shared/api/schema";
import { readAll, type Asked } from "./imports/answers";

type Schemas = components["schemas"];
export type Evaluation = Schemas["EvaluationInfo"];
export type EvaluationSpec = Schemas["EvaluationSpec-Input"];
export type AnyArm = EvaluationSpec["arms"][number];
export type Estimate = Schemas["EvaluationEstimate"];
export type Report = Schemas["Report"];
export type ArmFigures = Schemas["ArmFigures"];
export type PairedDifference = Schemas["PairedDifference"];
export type Debate = Schemas["DebateFigures"];
export type Flips = Schemas["Flips"];
export type NodeWorth = Schemas["NodeWorth"];
export type Verdict = PairedDifference["verdict"];
export type Unit = Report["unit"];
export type Dataset = Schemas["DatasetInfo"];
export type DatasetUpload = Schemas["DatasetUpload"];
export type ItemRow = Schemas["ItemRow"];
export type Cell = Schemas["Cell"];
export type Only = "all" | "differ" | "arm_better" | "against_better" | "neither" | "both" | "failed";
export type Status = NonNullable<Evaluation["status"]>;

const ENDED: readonly Status[] = ["completed", "cancelled", "failed", "limit_exceeded"];
const LOOK_MS = 1_000;
const LIST_MS = 3_000;
const PAGE = 30;

export const statusOf = ({ status }: Evaluation): Status => status ?? "queued";
export const hasEnded = (evaluation: Evaluation) => ENDED.includes(statusOf(evaluation));

/** All of them, newest first, looked at again while one goes on. */
export const evaluationsQuery = infiniteQueryOptions({
  queryKey: ["evaluations", "list"],
  queryFn: ({ pageParam, signal }) =>
    told(api.GET("/api/evaluations", { params: { query: { limit: PAGE, ...(pageParam !== null && { cursor: pageParam }) } }, signal })),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
  refetchInterval: ({ state }) => (state.data?.pages.some((page) => !page.evaluations.every(hasEnded)) ? LIST_MS : false),
});

/** One as it is, looked at again until it has ended. */
export const evaluationQuery = (id: string) =>
  queryOptions({
    queryKey: ["evaluations", "one", id],
    queryFn: ({ signal }) => told(api.GET("/api/evaluations/{evaluation_id}", { params: { path: { evaluation_id: id } }, signal })),
    refetchInterval: ({ state }) => (state.data === undefined || hasEnded(state.data) ? false : LOOK_MS),
  });

/** Up to which answers it is told of: a resumed one is told anew. */
export const upTo = ({ finished_at, progress }: Evaluation) => `${finished_at} ${progress?.cells}`;

/** What came of it until now, asked for before it is known how far it is: of one that has ended the report is there sooner. */
export const earlyReportQuery = (id: string) =>
  queryOptions({
    queryKey: ["evaluations", "report", id],
    queryFn: ({ signal }) =>
      // The route gives files of text too; as JSON it is the report.
      told(api.GET("/api/evaluations/{evaluation_id}/report", { params: { path: { evaluation_id: id } }, signal })) as Promise<Report>,
    retry: false,
    staleTime: Infinity,
  });

/** What came of one that has ended. */
export const reportQuery = (evaluation: Evaluation) =>
  queryOptions({
    queryKey: ["evaluations", "report", evaluation.evaluation_id, upTo(evaluation)],
    queryFn: async ({ client }) => {
      const early = earlyReportQuery(evaluation.evaluation_id);
      const report = await client.fetchQuery(early);
      return upTo(report.evaluation) === upTo(evaluation) ? report : client.fetchQuery({ ...early, staleTime: 0 });
    },
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  });

export interface ItemsAsked {
  only: Only;
  arm: string;
  against: string;
  words: string;
}

/** The items, narrowed to those on which two arms did so. */
export const itemsQuery = (id: string, { only, arm, against, words }: ItemsAsked) =>
  infiniteQueryOptions({
    queryKey: ["evaluations", "items", id, only, arm, against, words],
    queryFn: ({ pageParam, signal }) =>
      told(
        api.GET("/api/evaluations/{evaluation_id}/items", {
          params: {
            path: { evaluation_id: id },
            query: { only, arm, against, q: words, limit: PAGE, ...(pageParam !== null && { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });

/** One item in full, with every answer to it. */
export const itemQuery = (id: string, item: string) =>
  queryOptions({
    queryKey: ["evaluations", "item", id, item],
    queryFn: ({ signal }) =>
      told(api.GET("/api/evaluations/{evaluation_id}/item", { params: { path: { evaluation_id: id }, query: { id: item } }, signal })),
  });

export const datasetsQuery = queryOptions({
  queryKey: ["datasets"],
  queryFn: ({ signal }) => told(api.GET("/api/datasets", { signal })),
});

export const datasetItemsQuery = (name: string) =>
  queryOptions({
    queryKey: ["datasets", name, "items"],
    queryFn: ({ signal }) => told(api.GET("/api/datasets/{name}/items", { params: { path: { name }, query: { limit: 3 } }, signal })),
  });

/** What it would take, and what it could show. */
export const estimateQuery = (spec: EvaluationSpec) =>
  queryOptions({
    queryKey: ["evaluations", "estimate", spec],
    queryFn: ({ signal }) => told(api.POST("/api/evaluations/estimate", { body: spec, signal })),
    staleTime: 60_000,
    retry: false,
  });

function changed(client: QueryClient, evaluation?: Evaluation): void {
  if (evaluation !== undefined) client.setQueryData(evaluationQuery(evaluation.evaluation_id).queryKey, evaluation);
  void client.invalidateQueries({ queryKey: ["evaluations", "list"] });
}

/** Starts one. The same press is never two of them: each has a key of its own, which a repeated request says again. */
export function useStart(onStarted: (id: string) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ spec, key }: { spec: EvaluationSpec; key: string }) =>
      told(api.POST("/api/evaluations", { body: spec, headers: { "Idempotency-Key": key } })),
    retry: (count, error) => error.name === "Unreachable" && count < 2,
    onSuccess: (evaluation) => {
      changed(client, evaluation);
      onStarted(evaluation.evaluation_id);
    },
  });
}

export function useCancel(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => told(api.POST("/api/evaluations/{evaluation_id}/cancel", { params: { path: { evaluation_id: id } } })),
    onSuccess: (evaluation) => changed(client, evaluation),
    onError: () => client.invalidateQueries({ queryKey: evaluationQuery(id).queryKey }),
  });
}

/** `budgetUsd`: in all, null for the one that it has. */
export function useResume(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (budgetUsd: number | null) =>
      told(
        api.POST("/api/evaluations/{evaluation_id}/resume", {
          params: { path: { evaluation_id: id } },
          body: { budget_usd: budgetUsd },
        }),
      ),
    onSuccess: (evaluation) => changed(client, evaluation),
    onError: () => client.invalidateQueries({ queryKey: evaluationQuery(id).queryKey }),
  });
}

export function useDelete(id: string, onDeleted: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      told(api.DELETE("/api/evaluations/{evaluation_id}", { params: { path: { evaluation_id: id } } })).catch((error: unknown) => {
        // Somebody else was first: it is as gone as it was meant to be.
        if (!(error instanceof ApiProblem) || error.status !== 404) throw error;
      }),
    onSuccess: () => {
      changed(client);
      onDeleted();
    },
  });
}

/** Holds answers that were made elsewhere against each other; the files' own questions are kept, where they are asked by those. */
export function useImport(onMade: (id: string) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ what, spec }: { what: Asked; spec: EvaluationSpec }) => {
      const { dataset, answers } = await readAll(what, true);
      return told(api.POST("/api/evaluations/import", { body: { spec: { ...spec, dataset: dataset.name }, answers } }));
    },
    onSuccess: (evaluation) => {
      changed(client, evaluation);
      void client.invalidateQueries({ queryKey: datasetsQuery.queryKey });
      onMade(evaluation.evaluation_id);
    },
  });
}

/** Reads a file without keeping it. */
export function usePreview() {
  return useMutation({ mutationFn: (upload: DatasetUpload) => told(api.POST("/api/datasets/preview", { body: upload })) });
}

export function useUpload(onKept: (dataset: Dataset) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (upload: DatasetUpload) => told(api.POST("/api/datasets", { body: upload })),
    onSuccess: (dataset) => {
      void client.invalidateQueries({ queryKey: datasetsQuery.queryKey });
      onKept(dataset);
    },
  });
}

/** `onForgotten` is told also where the button is gone by then, for the list comes without the name. */
export function useForget(onForgotten: (name: string) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => told(api.DELETE("/api/datasets/{name}", { params: { path: { name } } })),
    onSuccess: (_, name) => onForgotten(name),
    onSettled: () => client.invalidateQueries({ queryKey: datasetsQuery.queryKey }),
  });
}
