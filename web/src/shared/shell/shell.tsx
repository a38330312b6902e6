"use client";

// What stands around every screen: the ways to the others, the alert line, the command palette, the sign-in.
import { Search } from "lucide-react";
import { useEffect, useLayoutEffect, type ReactNode } from "react";
import { useTranslations } from "use-intl";
import { useSession } from "@/shared/api/queries";
import { Button, IconButton } from "@/shared/ui/button";
import { Kbd } from "@/shared/ui/bits";
import { late, MissingDialog } from "@/shared/ui/late";
import { Fence } from "@/shared/ui/panel";
import { Toasts } from "@/shared/ui/toast";
import { Alerts } from "./alerts";
import { MockBadge } from "./mock-badge";
import { BottomNav, SideNav } from "./nav";
import { SearchComing, setSearching, useSearch } from "./search";
import { SignIn } from "./sign-in";

const Palette = late(() => import("./palette").then((module) => module.Palette), {
  waiting: () => <SearchComing />,
  missing: MissingDialog,
});

export function Shell({ children }: { children: ReactNode }) {
  const t = useTranslations("common");
  const signedOut = useSession((state) => state.signedOut);
  const isSearching = useSearch((state) => state.isOpen);
  // Before anything can be pressed that is alive: what was pressed on the painted page until now is done (`scripts/first-paint.mjs`).
  useLayoutEffect(() => void dispatchEvent(new Event("alive")), []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      setSearching(!useSearch.getState().isOpen);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  if (signedOut)
    return (
      <main>
        <SignIn />
      </main>
    );
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[13rem_minmax(0,1fr)]">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:bg-surface focus:p-2"
      >
        {t("nav.skip")}
      </a>
      <aside className="hidden border-r border-line md:block">
        <div className="sticky top-0 flex h-dvh flex-col gap-4 px-3 py-4">
          <Brand />
          <Button size="sm" className="!justify-between text-soft" onClick={() => setSearching(true)}>
            <span className="flex items-center gap-2">
              <Search aria-hidden className="size-3.5" />
              {t("actions.search")}
            </span>
            <Kbd>Ctrl K</Kbd>
          </Button>
          <SideNav />
        </div>
      </aside>
      <div className="flex min-w-0 flex-col pb-14 has-[.fills-page]:h-dvh md:pb-0">
        <header className="flex h-12 items-center justify-between border-b border-line px-4 md:hidden">
          <Brand />
          <IconButton label={t("palette.open")} onClick={() => setSearching(true)}>
            <Search aria-hidden className="size-4" />
          </IconButton>
        </header>
        {process.env.NEXT_PUBLIC_MOCK_MODE === "true" && <MockBadge />}
        <Alerts />
        <main id="content" tabIndex={-1} className="min-w-0 flex-1 px-4 py-5 outline-none has-[.fills-page]:flex has-[.fills-page]:min-h-96 has-[.fills-page]:flex-col md:px-6">
          <Fence>{children}</Fence>
        </main>
      </div>
      <BottomNav />
      <Toasts />
      {isSearching && <Palette onClose={() => setSearching(false)} />}
    </div>
  );
}

function Brand() {
  const t = useTranslations("common");
  return (
    <p className="flex items-center gap-2 px-1 font-semibold tracking-tight">
      <svg aria-hidden viewBox="0 0 24 24" className="size-5 text-accent">
        <path d="M5 6h9M5 12h14M5 18h7" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" />
        <circle cx="18" cy="6" r="2.4" fill="currentColor" />
        <circle cx="16" cy="18" r="2.4" fill="currentColor" />
      </svg>
      {t("product")}
    </p>
  );
}
