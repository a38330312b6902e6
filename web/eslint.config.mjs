// Which part may import which, and what Next.js and TypeScript have to say.
import next from "eslint-config-next/core-web-vitals";
import typescript from "eslint-config-next/typescript";
import { readdirSync } from "node:fs";

const features = readdirSync(new URL("./src/features", import.meta.url));
const ABOVE_SHARED = ["./src/app", "./src/features", "./src/mock"];

const zones = [
  { target: "./src/run", from: [...ABOVE_SHARED, "./src/shared"], message: "The run is pure: it imports nothing above it." },
  { target: "./src/shared", from: ABOVE_SHARED, message: "What is shared knows no feature." },
  { target: "./src/messages", from: [...ABOVE_SHARED, "./src/shared"], message: "Words import nothing." },
  { target: "./src/mock", from: ["./src/app", "./src/features"], message: "The server's stand-in knows no screen." },
  ...features.map((name) => ({
    target: `./src/features/${name}`,
    from: ABOVE_SHARED,
    except: [`../features/${name}`, `./${name}`],
    message: "A feature knows no other one: what both need goes to shared.",
  })),
];

const config = [
  { ignores: [".next/**", "out/**", "next-env.d.ts", "src/shared/api/schema.d.ts", "src/run/events.ts"] },
  ...next,
  ...typescript,
  {
    rules: {
      "import/no-restricted-paths": ["error", { basePath: import.meta.dirname, zones }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "max-lines": ["error", { max: 400 }],
      complexity: ["error", { max: 14, variant: "modified" }],
      "max-depth": ["error", 3],
      "no-console": "error",
      "react/no-danger": "error",
    },
  },
];

export default config;
