"use client";

// How a flow is asked from code, fetched when somebody wants to know.
import { late, MissingDialog } from "@/shared/ui/late";

export const CodeDialog = late(() => import("./code-dialog").then((module) => module.CodeDialog), { missing: MissingDialog });
