"use client";

// How a model stands, in a word and a colour.
import { CircleCheck, CircleDashed, Download, HardDrive, LoaderCircle, TriangleAlert, type LucideIcon } from "lucide-react";
import { useTranslations } from "use-intl";
import { Badge, type Tone } from "@/shared/ui/bits";
import type { Standing } from "./registry";

const LOOKS: Record<Standing, [Tone, LucideIcon]> = {
  loading: ["accent", LoaderCircle],
  in_memory: ["good", HardDrive],
  ready: ["good", CircleCheck],
  left_alone: ["bad", TriangleAlert],
  to_fetch: ["plain", Download],
  not_usable: ["warn", CircleDashed],
};

export function StandingBadge({ standing, title }: { standing: Standing; title?: string | undefined }) {
  const t = useTranslations("models.standing");
  const [tone, Icon] = LOOKS[standing];
  return (
    <Badge tone={tone} {...(title !== undefined && { title })}>
      <Icon aria-hidden className={`size-3 ${standing === "loading" ? "animate-spin" : ""}`} />
      {t(standing)}
    </Badge>
  );
}
