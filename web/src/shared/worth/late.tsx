"use client";

// The badge, fetched after everything else of its screen.
import dynamic from "next/dynamic";

export const LateWorthBadge = dynamic(() => import("./worth-badge").then((module) => module.WorthBadge), { ssr: false, loading: () => null });
