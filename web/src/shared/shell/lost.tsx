"use client";

// The page for an address that leads nowhere.
import { useTranslations } from "use-intl";
import { ButtonLink } from "@/shared/ui/button";
import { Empty } from "@/shared/ui/bits";

export function Lost() {
  const t = useTranslations("common.problem");
  return (
    <>
      <h1 className="sr-only">{t("not_found_title")}</h1>
      <Empty title={t("not_found_title")}>
        <p>{t("not_found")}</p>
        <ButtonLink href="/">{t("to_console")}</ButtonLink>
      </Empty>
    </>
  );
}
