"""Runs `run` of a module on several threads at the same moment, each with an instance of its own on one shared memory.

    run_threads.py MODULE THREADS

Prints a line for each thread: the numbers that it gave to `host.show`.
"""
import sys
import threading

import wasmtime

from shared_memory import SharedMemory

config = wasmtime.Config()
for feature in ("wasm_threads", "wasm_memory64", "wasm_bulk_memory", "shared_memory"):
    setattr(config, feature, True)
engine = wasmtime.Engine(config)
module = wasmtime.Module.from_file(engine, sys.argv[1])
count = int(sys.argv[2])
memory_type = next(entry.type for entry in module.imports if isinstance(entry.type, wasmtime.MemoryType))
memory = SharedMemory(engine, memory_type)
begin = threading.Barrier(count)
shown = [[] for _ in range(count)]


def instantiate(number):
    store = wasmtime.Store(engine)
    linker = wasmtime.Linker(engine)
    linker.define(store, "env", "memory", memory)
    for entry in module.imports:
        if entry.module == "host":
            show = shown[number].append if entry.name == "show" else lambda _: None
            linker.define(store, entry.module, entry.name, wasmtime.Func(store, entry.type, show))
    return store, linker.instantiate(store, module).exports(store)


def run(number):
    try:
        store, exports = instantiate(number)
        # Behind all data; what has no thread-local data has no such function.
        if "__wasm_init_tls" in exports:
            exports["__wasm_init_tls"](store, 900_000 + 4096 * number)
        begin.wait()
        exports["run"](store)
    except Exception as error:
        shown[number].append(str(error).splitlines()[-1])
        begin.abort()


threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for line in shown:
    print(*line)
