// Runs Python in node: `run.mjs LIB SITE SCRIPTS MODULE ARGUMENT…`.
import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [lib, site, scripts, file, ...args] = process.argv.slice(2);
const wasi = new WASI({
  version: "preview1",
  args: ["python", ...args],
  env: { PYTHONHOME: "/", PYTHONPATH: "/site", PYTHONDONTWRITEBYTECODE: "1" },
  preopens: { "/lib/python3.14": lib, "/site": site, "/script": scripts },
});
const start = performance.now();
const module = await WebAssembly.compile(readFileSync(file));
const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport });
const ready = performance.now();
wasi.start(instance);
console.error(`instantiated in ${(ready - start).toFixed()} ms, ran ${(performance.now() - ready).toFixed()} ms`);
