import type { NextConfig } from "next";

// The app is a folder of files: the lab's own process serves it, and no Node stands in production.
const config: NextConfig = {
  output: "export",
  reactStrictMode: true,
  poweredByHeader: false,
  images: { unoptimized: true },
  experimental: { optimizePackageImports: ["radix-ui", "lucide-react"] },
};

export default config;
