// Turns a file of messages into what shows them fastest: each message is taken apart here, when the app is built, and a
// browser loads no parser of them. The compiler comes with use-intl, and belongs to its `format-only`.
import { runInNewContext } from "node:vm";
import compile from "icu-minify/compile";
import typescript from "typescript";

const { transpileModule, ModuleKind, ScriptTarget } = typescript;

/** A loader: the source of `src/messages/<language>/<screen>.ts` becomes a module with the same keys. */
export default function load(source) {
  return `export default ${JSON.stringify(compiled(valueOf(source)))};`;
}

/** What the file exports: an object of texts, without a single import that is more than a type. */
function valueOf(source) {
  const { outputText } = transpileModule(source, {
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022 },
  });
  const exports = {};
  runInNewContext(outputText, { exports });
  return exports.default;
}

function compiled(value) {
  if (typeof value === "string") return compile(value);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, compiled(one)]));
}
