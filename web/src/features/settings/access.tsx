"use client";

// Lets one more browser in, and says how others are let in.
import { useMutation } from "@tanstack/react-query";
import { useFormatter, useTranslations } from "use-intl";
import { api, API_URL, told } from "@/shared/api/client";
import { Button } from "@/shared/ui/button";
import { CopyButton } from "@/shared/ui/copy";
import { Field } from "@/shared/ui/field";
import { Panel } from "@/shared/ui/panel";
import { Problem } from "@/shared/ui/problem";

const COMMANDS = "agent-lab keys new NAME\nagent-lab keys list\nagent-lab keys revoke NAME";

interface MadeLink {
  url: string;
  until: Date;
}

async function makeLink(): Promise<MadeLink> {
  const { path, expires_in_s: seconds } = await told(api.POST("/api/login-codes"));
  return { url: (API_URL || location.origin) + path, until: new Date(Date.now() + seconds * 1000) };
}

export function Access() {
  const t = useTranslations("settings.access");
  const link = useMutation({ mutationFn: makeLink });
  return (
    <Panel title={t("title")}>
      <h3 className="font-medium">{t("link")}</h3>
      <p className="text-sm text-soft">{t("link_about")}</p>
      <div className="mt-2 flex flex-col items-start gap-2" aria-live="polite">
        {link.data !== undefined && <Shown link={link.data} />}
        {link.error !== null && <Problem error={link.error} />}
        <Button size="sm" busy={link.isPending} onClick={() => link.mutate()}>
          {link.data === undefined ? t("link_make") : t("link_again")}
        </Button>
      </div>
      <h3 className="mt-5 font-medium">{t("keys")}</h3>
      <p className="text-sm text-soft">{t("keys_about")}</p>
      <div className="relative mt-2 rounded-md border border-line bg-sunken">
        <pre tabIndex={0} className="overflow-x-auto p-3 font-mono text-sm">
          {COMMANDS}
        </pre>
      </div>
    </Panel>
  );
}

function Shown({ link: { url, until } }: { link: MadeLink }) {
  const t = useTranslations("settings.access");
  const format = useFormatter();
  return (
    <div className="flex w-full items-end gap-2">
      <Field label={t("link_field")} hint={t("link_until", { time: format.dateTime(until, { timeStyle: "short" }) })} className="flex-1">
        {(control) => (
          <input
            {...control}
            readOnly
            value={url}
            onFocus={(event) => event.target.select()}
            className="h-9 w-full rounded-md border border-line-strong/60 bg-surface px-2.5 font-mono text-sm"
          />
        )}
      </Field>
      <div className="mb-5">
        <CopyButton text={url} size="md" />
      </div>
    </div>
  );
}
