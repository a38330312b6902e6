// Buttons, and links that look like them.
import clsx from "clsx";
import { LoaderCircle } from "lucide-react";
import Link from "next/link";
import type { ButtonHTMLAttributes, ComponentProps, ReactNode } from "react";

const LOOKS = {
  primary: "bg-accent text-accent-ink hover:opacity-90",
  plain: "border border-line bg-surface text-ink hover:bg-sunken",
  quiet: "text-soft hover:bg-sunken hover:text-ink",
  danger: "border border-line bg-surface text-bad hover:bg-bad-soft",
};
const SIZES = { sm: "h-7 px-2 text-sm gap-1.5", md: "h-9 px-3 text-base gap-2" };

interface Looks {
  look?: keyof typeof LOOKS;
  size?: keyof typeof SIZES;
}

export function buttonClass({ look = "plain", size = "md" }: Looks, more?: string): string {
  return clsx(
    "inline-flex shrink-0 items-center justify-center rounded-md font-medium whitespace-nowrap transition-colors",
    "disabled:cursor-not-allowed disabled:opacity-50",
    LOOKS[look],
    SIZES[size],
    more,
  );
}

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & Looks & { busy?: boolean };

/** `busy`: at work on what it was pressed for; it takes no further press, and keeps its width. */
export function Button({ look = "plain", size = "md", busy = false, className, children, ...more }: ButtonProps) {
  return (
    <button
      type="button"
      {...more}
      aria-busy={busy || undefined}
      disabled={more.disabled === true || busy}
      className={buttonClass({ look, size }, className)}
    >
      {busy && <LoaderCircle aria-hidden className="size-4 animate-spin" />}
      {children}
    </button>
  );
}

type IconButtonProps = Omit<ButtonProps, "children"> & { label: string; children: ReactNode };

/** A button that shows a picture alone: `label` is its name for everybody who cannot see it, and its title. */
export function IconButton({ label, look = "quiet", size = "md", className, children, ...more }: IconButtonProps) {
  return (
    <Button
      {...more}
      look={look}
      size={size}
      aria-label={label}
      title={label}
      className={clsx(size === "sm" ? "w-7" : "w-9", "!px-0", className)}
    >
      {children}
    </Button>
  );
}

/** A link with a button's looks. Nothing is fetched before it is followed. */
export function ButtonLink({ look = "plain", size = "md", className, ...more }: ComponentProps<typeof Link> & Looks) {
  return <Link prefetch={false} {...more} className={buttonClass({ look, size }, className)} />;
}
