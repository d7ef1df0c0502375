// Runs Python in node: `run.mjs LIB SITE SCRIPTS MODULE ARGUMENT…`; with `--load LIBRARY NAME=LIBRARY…` in front of the
// module, what `loader.mjs` links when the program starts.
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";
import { Loader } from "./loader.mjs";

const words = process.argv.slice(2);
const [lib, site, scripts] = words.splice(0, 3);
const libraries = [];
if (words[0] === "--load") {
  words.shift();
  while (words[0].endsWith(".so")) libraries.push(words.shift());
}
const [file, ...args] = words;
const wasi = new WASI({
  version: "preview1",
  args: ["python", ...args],
  env: { PYTHONHOME: "/", PYTHONPATH: "/site", PYTHONDONTWRITEBYTECODE: "1" },
  preopens: { "/lib/python3.14": lib, "/site": site, "/script": scripts },
});
let firstLine;
const host = { ...wasi.wasiImport };
host.fd_write = (...values) => {
  firstLine ??= performance.now();
  return wasi.wasiImport.fd_write(...values);
};
const imports = { wasi_snapshot_preview1: host };
const start = performance.now();
const instance = libraries.length
  ? new Loader(imports).start(readFileSync(file), libraries)
  : new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), imports);
wasi.start(instance);
const end = performance.now();
console.error(`first line after ${(firstLine - start).toFixed()} ms, end after ${(end - start).toFixed()} ms`);
