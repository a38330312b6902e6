"use client";

// The ways to the screens: at the side where there is room, below where there is none.
import clsx from "clsx";
import { Activity, Boxes, ListTree, PenLine, Scale, Settings2, Workflow } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { useTranslations } from "use-intl";

export const SCREENS = [
  { name: "console", path: "/", Icon: PenLine },
  { name: "runs", path: "/runs", Icon: ListTree },
  { name: "flows", path: "/flows", Icon: Workflow },
  { name: "evaluations", path: "/evaluations", Icon: Scale },
  { name: "models", path: "/models", Icon: Boxes },
  { name: "metrics", path: "/metrics", Icon: Activity },
  { name: "settings", path: "/settings", Icon: Settings2 },
] as const;

/** Whether a page belongs to a screen: `/runs/x` to `/runs`, and nothing but itself to `/`. */
export function isWithin(pathname: string, path: string): boolean {
  if (path === "/") return pathname === "/";
  return pathname === path || pathname.startsWith(`${path}/`);
}

export function SideNav() {
  const t = useTranslations("common.nav");
  const pathname = usePathname();
  return (
    <nav aria-label={t("label")} className="flex flex-col gap-0.5">
      {SCREENS.map(({ name, path, Icon }) => (
        <Link
          key={name}
          href={path}
          prefetch={false}
          aria-current={isWithin(pathname, path) ? "page" : undefined}
          className={clsx(
            "flex h-8 items-center gap-2.5 rounded-md px-2.5 text-soft hover:bg-sunken hover:text-ink",
            isWithin(pathname, path) && "bg-sunken font-medium !text-ink",
          )}
        >
          <Icon aria-hidden className="size-4" />
          {t(name)}
        </Link>
      ))}
    </nav>
  );
}

export function BottomNav() {
  const t = useTranslations("common.nav");
  const pathname = usePathname();
  return (
    <nav
      aria-label={t("label")}
      className="fixed inset-x-0 bottom-0 z-40 flex h-14 border-t border-line bg-surface md:hidden"
    >
      {SCREENS.map(({ name, path, Icon }) => (
        <Link
          key={name}
          href={path}
          prefetch={false}
          aria-current={isWithin(pathname, path) ? "page" : undefined}
          className={clsx(
            "flex min-w-0 flex-auto flex-col items-center justify-center gap-0.5 text-xs tracking-tighter text-soft",
            isWithin(pathname, path) && "font-medium !text-accent",
          )}
        >
          <Icon aria-hidden className="size-4.5" />
          <span className="max-w-full truncate">{t(name)}</span>
        </Link>
      ))}
    </nav>
  );
}
