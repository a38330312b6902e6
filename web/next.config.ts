import type { NextConfig } from "next";

// The app is a folder of files: the lab's own process serves it, and no Node stands in production.
const config: NextConfig = {
  output: "export",
  reactStrictMode: true,
  poweredByHeader: false,
  images: { unoptimized: true },
  // Written into the code as a constant, so that a build without the flag leaves out all that it guards.
  env: { NEXT_PUBLIC_MOCK_MODE: process.env.NEXT_PUBLIC_MOCK_MODE === "true" ? "true" : "" },
  turbopack: {
    // Messages are taken apart when the app is built; two files only gather them.
    rules: {
      "*.ts": {
        condition: { path: /src\/messages\/[a-z]+\/(?!(index|everywhere)\.ts$)[a-z_]+\.ts$/ },
        loaders: ["./scripts/compile-messages.mjs"],
        as: "*.js",
      },
    },
    resolveAlias: { "use-intl/format-message": "use-intl/format-message/format-only" },
  },
  experimental: { optimizePackageImports: ["radix-ui", "lucide-react"] },
};

export default config;
