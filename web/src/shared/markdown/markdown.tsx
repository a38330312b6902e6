"use client";

// Shows a model's Markdown: as text and structure alone. Nothing in it is loaded, run, or taken for the page's own.
import { ImageOff } from "lucide-react";
import { memo, useMemo, type CSSProperties, type ReactElement, type ReactNode } from "react";
import read, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { useTranslations } from "use-intl";
import { CopyButton } from "@/shared/ui/copy";
import { blocksOf } from "./blocks";
import { targetOf } from "./links";

interface MarkdownProps {
  text: string;
}

/** While the text grows only its last block is read again: the others are the same texts. */
export const Markdown = memo(function Markdown({ text }: MarkdownProps) {
  const blocks = useMemo(() => blocksOf(text), [text]);
  // What is said to readers of the screen alone has its place in here: where an answer is cut off, it is cut off too.
  return (
    <div className="relative flex min-w-0 flex-col gap-3 break-words [unicode-bidi:isolate]" dir="auto">
      {blocks.map((block, place) =>
        block.isPlain ? <Plain key={place} text={block.text} /> : <Block key={place} text={block.text} />,
      )}
    </div>
  );
});

const PLUGINS = [remarkGfm];
/** What a link may be is asked where it is drawn: what is none must still be seen. */
const AS_WRITTEN = (url: string): string => url;

const Block = memo(function Block({ text }: { text: string }) {
  return drawn(text) ?? <Plain text={text} />;
});

function Plain({ text }: { text: string }) {
  return (
    <p dir="auto" className="whitespace-pre-wrap [overflow-wrap:anywhere]">
      {text}
    </p>
  );
}

/** Null for what is nested more deeply than anybody reads, or than the parser can follow. */
function drawn(text: string): ReactElement | null {
  try {
    return read({
      children: text,
      remarkPlugins: PLUGINS,
      rehypePlugins: SHALLOW,
      urlTransform: AS_WRITTEN,
      components: PARTS,
    });
  } catch {
    return null;
  }
}

interface Branch {
  readonly children?: readonly Branch[];
}

const DEEPEST = 60;
const SHALLOW = [() => refuseDeep];

function refuseDeep(tree: Branch): void {
  let level: readonly Branch[] = [tree];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) throw new RangeError("nested too deeply");
    level = level.flatMap((one) => one.children ?? []);
  }
}

function Anchor({ href, children }: { href?: string | undefined; children?: ReactNode }) {
  const t = useTranslations("markdown");
  const target = targetOf(href);
  if (target === null)
    return (
      <span>
        {children}
        {href !== undefined && !href.startsWith("#") && <span className="text-soft"> ({href})</span>}
      </span>
    );
  return (
    <a
      href={target.href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      title={target.href}
      className="text-accent underline underline-offset-2"
    >
      {children}
      <span className="text-soft [unicode-bidi:isolate]"> ({target.place})</span>
      <span className="sr-only">{t("new_tab")}</span>
    </a>
  );
}

/** A picture would be fetched from somewhere, and whoever has it there would know. */
function NoImage({ src, alt }: { src?: string | Blob | undefined; alt?: string | undefined }) {
  const t = useTranslations("markdown");
  const target = targetOf(typeof src === "string" ? src : undefined);
  return (
    <span className="inline-flex max-w-full flex-wrap items-center gap-1 rounded-sm bg-sunken px-1.5 py-0.5 text-sm text-soft">
      <ImageOff aria-hidden className="size-3.5 shrink-0" />
      <span className="min-w-0 [overflow-wrap:anywhere]">{alt ? t("image", { alt }) : t("image_nameless")}</span>
      {target !== null && (
        <a href={target.href} target="_blank" rel="noopener noreferrer nofollow" className="text-accent underline">
          {target.place}
        </a>
      )}
    </span>
  );
}

const LANGUAGE = /\blanguage-(\S{1,20})/;

function Fenced({ children }: { children?: ReactNode }) {
  const t = useTranslations("markdown");
  const [, language = ""] = LANGUAGE.exec(classOf(children)) ?? [];
  return (
    <div className="min-w-0 rounded-md border border-line bg-sunken">
      <div className="flex h-8 items-center justify-between border-b border-line pr-0.5 pl-3 text-xs text-soft">
        <span>{language}</span>
        <CopyButton small text={() => textIn(children)} label={t("copy_code")} />
      </div>
      <pre tabIndex={0} dir="ltr" className="overflow-x-auto p-3 font-mono text-sm [unicode-bidi:isolate]">
        {children}
      </pre>
    </div>
  );
}

function classOf(node: ReactNode): string {
  if (typeof node !== "object" || node === null || !("props" in node)) return "";
  return (node.props as { className?: string }).className ?? "";
}

function textIn(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(textIn).join("");
  if (typeof node !== "object" || node === null || !("props" in node)) return "";
  return textIn((node.props as { children?: ReactNode }).children);
}

const HEADINGS = "mt-1 font-semibold";
/** The headings of an answer stand below those of the page, and none of them is one to jump to. */
function Large({ children }: { children?: ReactNode }) {
  return (
    <p dir="auto" className={`${HEADINGS} text-lg`}>
      {children}
    </p>
  );
}

function Small({ children }: { children?: ReactNode }) {
  return (
    <p dir="auto" className={HEADINGS}>
      {children}
    </p>
  );
}

/** How a column of a table stands, as `---:` says. */
function aligned(style: CSSProperties | undefined): string {
  if (style?.textAlign === "right") return "text-right tabular-nums";
  return style?.textAlign === "center" ? "text-center" : "text-start";
}

const PARTS: Components = {
  a: ({ href, children }) => <Anchor href={href}>{children}</Anchor>,
  img: ({ src, alt }) => <NoImage src={src} alt={alt} />,
  pre: ({ children }) => <Fenced>{children}</Fenced>,
  // Lines stay lines: models end them where they mean it.
  p: ({ children }) => (
    <p dir="auto" className="whitespace-pre-line [overflow-wrap:anywhere]">
      {children}
    </p>
  ),
  h1: Large,
  h2: Large,
  h3: Small,
  h4: Small,
  h5: Small,
  h6: Small,
  ul: ({ children }) => <ul className="flex list-disc flex-col gap-1 pl-5">{children}</ul>,
  ol: ({ children, start }) => (
    <ol start={start} className="flex list-decimal flex-col gap-1 pl-6">
      {children}
    </ol>
  ),
  li: ({ children }) => (
    <li dir="auto" className="[overflow-wrap:anywhere]">
      {children}
    </li>
  ),
  blockquote: ({ children }) => (
    <blockquote className="flex flex-col gap-2 border-l-2 border-line-strong pl-3 text-soft">{children}</blockquote>
  ),
  code: ({ children }) => (
    <code className="rounded-sm bg-sunken px-1 font-mono text-[0.92em] [overflow-wrap:anywhere] [pre_&]:bg-transparent [pre_&]:px-0 [pre_&]:text-[1em] [pre_&]:[overflow-wrap:normal]">
      {children}
    </code>
  ),
  table: ({ children }) => (
    <div tabIndex={0} role="group" className="overflow-x-auto">
      <table className="min-w-full border-collapse text-sm">{children}</table>
    </div>
  ),
  th: ({ children, style }) => <th className={`border border-line bg-sunken px-2 py-1 font-medium ${aligned(style)}`}>{children}</th>,
  td: ({ children, style }) => <td className={`border border-line px-2 py-1 align-top ${aligned(style)}`}>{children}</td>,
  hr: () => <hr className="border-line" />,
  input: ({ checked }) => <span>{checked === true ? "☑ " : "☐ "}</span>,
};
