import type { Metadata, Viewport } from "next";
import localFont from "next/font/local";
import { ThemeProvider } from "next-themes";
import { Fragment, type ReactNode } from "react";
import { Answers } from "@/shared/api/queries";
import { Words } from "@/shared/i18n/provider";
import { Shell } from "@/shared/shell/shell";
import "./globals.css";

// From the packages of the fonts: nothing is fetched from elsewhere.
const text = localFont({
  src: "../../node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
  variable: "--font-text",
  weight: "100 900",
});
const code = localFont({
  src: "../../node_modules/@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
  variable: "--font-code",
  weight: "100 800",
  preload: false,
});

export const metadata: Metadata = {
  title: { default: "AI Agent Lab", template: "%s · AI Agent Lab" },
  description: "Language models that work on one question together, and whether it was worth it.",
};

// The page's policy lets no text become a script's address. The bundler loads parts of this app so: those alone pass.
const OWN_SCRIPTS =
  "globalThis.trustedTypes?.createPolicy('default',{createScriptURL:(url)=>{" +
  "const to=new URL(url,location.href);" +
  "if(to.origin===location.origin&&to.pathname.startsWith('/_next/static/'))return url;" +
  "throw new TypeError('no script of this app: '+url)}})";

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#fafaf8" },
    { media: "(prefers-color-scheme: dark)", color: "#121315" },
  ],
};

// With NEXT_PUBLIC_MOCK_MODE the server's answers come from a recording; any other build has no byte of it.
const { MockMode: Door } =
  process.env.NEXT_PUBLIC_MOCK_MODE === "true" ? await import("@/mock/mode") : { MockMode: Fragment };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning className={`${text.variable} ${code.variable}`}>
      <head>
        {/* eslint-disable-next-line react/no-danger -- a constant of this file; the server's policy names its hash */}
        <script dangerouslySetInnerHTML={{ __html: OWN_SCRIPTS }} />
      </head>
      <body>
        <ThemeProvider attribute="class" storageKey="agent-lab.theme" enableColorScheme={false}>
          <Door>
            <Answers>
              <Words>
                <Shell>{children}</Shell>
              </Words>
            </Answers>
          </Door>
        </ThemeProvider>
      </body>
    </html>
  );
}
