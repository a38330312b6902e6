// Writes beside each text file of a folder what it is as gzip and as Brotli, where that is smaller: the server sends those.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const TEXT = /\.(js|css|html|txt|svg|json|webmanifest)$/;
const LEAST_BYTES = 1024;

const folder = process.argv[2];
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !TEXT.test(entry.name)) continue;
  // Node before 20.12 has the folder under another name.
  const path = join(entry.parentPath ?? entry.path, entry.name);
  const content = readFileSync(path);
  if (content.length < LEAST_BYTES) continue;
  const brotli = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } });
  for (const [suffix, packed] of [[".br", brotli], [".gz", gzipSync(content, { level: 9 })]]) {
    if (packed.length < content.length) writeFileSync(path + suffix, packed);
  }
}
