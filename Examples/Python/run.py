"""Runs Python in wasmtime: `run.py LIB SITE SCRIPTS MODULE ARGUMENT…`."""
import sys
import time

import wasmtime

lib, site, scripts, path, *arguments = sys.argv[1:]
configuration = wasmtime.Config()
configuration.wasm_exceptions = True
engine = wasmtime.Engine(configuration)
start = time.monotonic()
module = wasmtime.Module.from_file(engine, path)
linker = wasmtime.Linker(engine)
linker.define_wasi()
wasi = wasmtime.WasiConfig()
wasi.inherit_stdout()
wasi.inherit_stderr()
wasi.argv = ["python"] + arguments
wasi.env = [("PYTHONHOME", "/"), ("PYTHONPATH", "/site"), ("PYTHONDONTWRITEBYTECODE", "1")]
for folder, name in [(lib, "/lib/python3.14"), (site, "/site"), (scripts, "/script")]:
    wasi.preopen_dir(folder, name)
store = wasmtime.Store(engine)
store.set_wasi(wasi)
instance = linker.instantiate(store, module)
ready = time.monotonic()
try:
    instance.exports(store)["_start"](store)
except wasmtime.ExitTrap as exit:
    if exit.code:
        raise
print(f"compiled in {1000 * (ready - start):.0f} ms, ran {1000 * (time.monotonic() - ready):.0f} ms", file=sys.stderr)
