"""The part of the tests that speaks to wasmtime.

  webassembly-host.py serve           answers requests, one JSON object a line, until its input ends:
                                      {"id": N, "validate": MODULE}, {"id": N, "assemble": TEXT, "to": PATH}, or
                                      {"id": N, "invoke": {"module": MODULE, "calls": [[EXPORT, ARGUMENT...]...],
                                      "read": [[ADDRESS, COUNT]...]}}, which instantiates a module and calls exports;
                                      or {"id": N, "judge": [CASE...]}, as `separate_instantiation.py` tells;
                                      each answer is {"id": N}, with "transcript" or "verdicts", or
                                      {"id": N, "error": MESSAGE}. MODULE is a path, or "base64:" and the bytes.
  webassembly-host.py run [--dir=FOLDER::NAME] [--env=NAME=VALUE] PATH ARG...
                                      runs a WASI command, which sees a folder under a name, and exits as it does

While a module is invoked, every function import is provided: a call is written to the transcript with its arguments
and gives zeros. A host function named `print_string` prints the C string that its argument points to.
"""

import base64
import gc
import json
import sys
import tempfile

import separate_instantiation
import wasmtime


# Instructions that code may run before it traps, so that an endless loop ends.
FUEL = 500_000_000


def engine(limited=False):
    config = wasmtime.Config()
    config.consume_fuel = limited
    # wasmtime panics at some accesses beyond a memory with pages of a byte when it leaves noticing to the processor.
    config.signals_based_traps = not limited
    config.wasm_memory64 = True
    config.wasm_multi_memory = True
    config.wasm_tail_call = True
    config.wasm_function_references = True
    config.wasm_gc = True
    config.wasm_exceptions = True
    config.wasm_threads = True
    config.wasm_custom_page_sizes = True
    config.shared_memory = True
    if limited:
        # Modules of the tests are small: compiling them is most of the work.
        config.cranelift_opt_level = "none"
        config.cranelift_flag_set("regalloc_algorithm", "single_pass")
        config.parallel_compilation = False
    return wasmtime.Engine(config)


def contents(module):
    if module.startswith("base64:"):
        return base64.b64decode(module[len("base64:") :])
    with open(module, "rb") as file:
        return file.read()


def serve():
    limited = engine(limited=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"]}
        try:
            if "validate" in request:
                wasmtime.Module.validate(limited, contents(request["validate"]))
            elif "invoke" in request:
                answer["transcript"] = invoke(limited, request["invoke"])
            elif "judge" in request:
                answer["verdicts"] = [separate_instantiation.judge(limited, case) for case in request["judge"]]
                # Stores are in circles with their hosts, and a process can only map so many memories.
                gc.collect()
            else:
                binary = wasmtime.wat2wasm(request["assemble"])
                with open(request["to"], "wb") as file:
                    file.write(binary)
        except Exception as error:
            answer["error"] = str(error) or type(error).__name__
        print(json.dumps(answer), flush=True)


def first_line(error):
    # "error while executing at wasm backtrace: ..." tells addresses; the cause is what stays the same after a link.
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if "trap:" in line or "wasm `" in line]
    return (causes or lines or [type(error).__name__])[-1].split("wasm trap: ")[-1]


class Host:
    def __init__(self, engine, module):
        self.store = wasmtime.Store(engine)
        self.store.set_fuel(FUEL)
        self.module = wasmtime.Module(engine, contents(module))
        self.instance = None
        self.transcript = []
        # What the module writes by way of WASI, which belongs between the other lines.
        self.printed = None

    def write(self, line):
        self.drain()
        self.transcript.append(line + "\n")

    def drain(self):
        if self.printed:
            self.transcript.append(self.printed.read().decode())

    def memory(self):
        names = [e.name for e in self.module.exports if isinstance(e.type, wasmtime.MemoryType)]
        assert names, "the module exports no memory"
        return self.instance.exports(self.store)[names[0]]

    def string(self, caller, address):
        # By way of the caller: in the start function there is no instance yet.
        memory = next(caller[e.name] for e in self.module.exports if isinstance(e.type, wasmtime.MemoryType))
        text = memory.read(caller, address, min(address + 4096, memory.data_len(caller)))
        return text[: text.index(0)].decode()

    def function(self, what):
        results = list(what.type.results)

        def call(caller, *arguments):
            if what.name == "print_string":
                self.write(f"string: {self.string(caller, arguments[0])}")
            else:
                self.write(f"{what.module}.{what.name}({', '.join(map(str, arguments))})")
            zeros = [0.0 if str(result) in ("f32", "f64") else 0 for result in results]
            return zeros[0] if len(zeros) == 1 else zeros if zeros else None

        return wasmtime.Func(self.store, what.type, call, access_caller=True)

    def provide(self, what):
        kind = what.type
        if isinstance(kind, wasmtime.FuncType):
            return self.function(what)
        if isinstance(kind, wasmtime.MemoryType):
            return wasmtime.Memory(self.store, kind)
        if isinstance(kind, wasmtime.TableType):
            return wasmtime.Table(self.store, kind, None)
        if isinstance(kind, wasmtime.GlobalType):
            return wasmtime.Global(self.store, kind, wasmtime.Val.i32(7) if str(kind.content) == "i32" else wasmtime.Val.i64(7))
        raise ValueError(f"no host has an import like {what.module}.{what.name}")

    def instantiate(self):
        linker = wasmtime.Linker(self.store.engine)
        linker.allow_shadowing = True
        if any(i.module == "wasi_snapshot_preview1" for i in self.module.imports):
            linker.define_wasi()
            wasi = wasmtime.WasiConfig()
            self.printed = tempfile.NamedTemporaryFile()
            wasi.stdout_file = self.printed.name
            self.store.set_wasi(wasi)
        for what in self.module.imports:
            if what.module != "wasi_snapshot_preview1":
                linker.define(self.store, what.module, what.name, self.provide(what))
        self.instance = linker.instantiate(self.store, self.module)


def invoke(engine, request):
    host = Host(engine, request["module"])
    try:
        host.instantiate()
        host.write("instantiated")
        for name, *arguments in request["calls"]:
            called = f"{name}({', '.join(map(str, arguments))})"
            try:
                result = host.instance.exports(host.store)[name](host.store, *arguments)
                host.write(f"{called} = {result}")
            except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
                host.write(f"{called} fails: {first_line(error)}")
        for address, count in request.get("read", []):
            data = bytes(host.memory().read(host.store, address, address + count))
            host.write(f"memory at {address}: {data.hex()}")
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        host.write(f"instantiation fails: {first_line(error)}")
    host.drain()
    return "".join(host.transcript)


def run(arguments):
    store = wasmtime.Store(engine())
    wasi = wasmtime.WasiConfig()
    environment = []
    while arguments[0].startswith("--"):
        option, value = arguments.pop(0).split("=", 1)
        if option == "--dir":
            wasi.preopen_dir(*value.split("::"))
        else:
            environment.append(tuple(value.split("=", 1)))
    wasi.env = environment
    wasi.argv = arguments
    wasi.inherit_stdin()
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    store.set_wasi(wasi)
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    instance = linker.instantiate(store, wasmtime.Module.from_file(store.engine, arguments[0]))
    try:
        instance.exports(store)["_start"](store)
    except wasmtime.ExitTrap as exit:
        sys.exit(exit.code)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    if sys.argv[1] == "serve":
        serve()
    else:
        run(sys.argv[2:])
