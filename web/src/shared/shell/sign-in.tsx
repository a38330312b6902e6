"use client";

// What a browser sees that is not signed in: how to get a link, and a place to paste it.
import { useEffect, useState, type FormEvent } from "react";
import { useTranslations } from "use-intl";
import { api, API_URL, told } from "@/shared/api/client";
import { useSession } from "@/shared/api/queries";
import { Button } from "@/shared/ui/button";
import { TextField } from "@/shared/ui/field";

/** The code in a sign-in link, or the code alone. */
export function codeIn(pasted: string): string | null {
  const text = pasted.trim();
  const found = /[?&]code=([A-Za-z0-9_-]+)/.exec(text)?.[1] ?? /^([A-Za-z0-9_-]{16,})$/.exec(text)?.[1];
  return found ?? null;
}

export function SignIn() {
  const t = useTranslations("common.sign_in");
  const [pasted, setPasted] = useState("");
  const [isWrong, setWrong] = useState(false);
  useSignedInElsewhere();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const code = codeIn(pasted);
    setWrong(code === null);
    // eslint-disable-next-line @next/next/no-location-assign-relative-destination -- the server answers there, no page of this app
    if (code !== null) location.href = `${API_URL}/login?code=${encodeURIComponent(code)}`;
  };
  const command = "agent-lab up";
  return (
    <div className="mx-auto flex max-w-md flex-col gap-4 px-4 py-16">
      <h1 className="text-xl font-semibold">{t("title")}</h1>
      <p className="text-soft">{t("body", { command })}</p>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <TextField
          label={t("field")}
          value={pasted}
          onChange={(event) => setPasted(event.target.value)}
          autoComplete="off"
          spellCheck={false}
          error={isWrong ? t("not_a_link") : undefined}
        />
        <Button type="submit" look="primary">
          {t("button")}
        </Button>
      </form>
      <p className="text-sm text-soft">{t("again", { command })}</p>
    </div>
  );
}

/** Whoever opened the link in another tab and comes back goes on here. */
function useSignedInElsewhere(): void {
  useEffect(() => {
    const look = () =>
      told(api.GET("/api/metrics/alerts")).then(
        () => useSession.setState({ signedOut: false }),
        () => undefined,
      );
    addEventListener("focus", look);
    return () => removeEventListener("focus", look);
  }, []);
}
