"use client";

// The import, fetched when it is asked for: the list of evaluations is smaller without it.
import { late, MissingDialog } from "@/shared/ui/late";

export const ImportDialog = late(() => import("./import-dialog").then((module) => module.ImportDialog), { missing: MissingDialog });
