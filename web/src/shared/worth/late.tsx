"use client";

// The badge, fetched after everything else of its screen.
import { late, MissingMark } from "@/shared/ui/late";

export const LateWorthBadge = late(() => import("./worth-badge").then((module) => module.WorthBadge), { missing: MissingMark });
