"""Prints how many instructions a WASI program runs: what wasmtime calls fuel, which no other work on the machine changes."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../.cache/python"))
import wasmtime  # noqa: E402

FUEL = 10**15

config = wasmtime.Config()
config.consume_fuel = True
engine = wasmtime.Engine(config)
store = wasmtime.Store(engine)
store.set_fuel(FUEL)
settings = wasmtime.WasiConfig()
settings.stdout_file = os.devnull
store.set_wasi(settings)
linker = wasmtime.Linker(engine)
linker.define_wasi()
instance = linker.instantiate(store, wasmtime.Module.from_file(engine, sys.argv[1]))
try:
    instance.exports(store)["_start"](store)
except wasmtime.ExitTrap:
    pass
print(FUEL - store.get_fuel())
