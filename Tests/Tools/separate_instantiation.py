"""The judge of linked plain modules: an engine instantiates the same modules one by one, and what can be observed is compared.

A case is {"seed": N, "modules": [{"name", "bytes"}...] in the order of the command line, "hosts": [...], "result": BYTES or
null when the linker refused, "calls": [[EXPORT, ARGUMENT...]...]}; bytes are in base64. A host is something that modules
import from `host`: {"name", "kind", "types", "mutable", "minimum", "maximum"}.

`judge` gives {"seed", "outcome", "detail"}; the outcome "differs" is the linker's fault, "unsure" says that nothing can
be told of this case, every other one that linker and engine agree.
"""

import base64
import struct

import shared_memory
import wasmtime

# Instructions that one case may run: what takes more is not judged.
FUEL = 3_000_000


# What a linker refuses although an engine takes it.
BY_DESIGN = [
    # One result has addresses of one width.
    "cannot be linked with wasm",
    # Modules that write over each other's data were not built for one memory.
    "overlap in one memory",
    # Segments that are written behind a start function need instructions that no module says it may use.
    "that takes the feature 'bulk-memory'",
]


class Unsure(Exception):
    pass


class Refused(Exception):
    pass


class Trapped(Exception):
    pass


def cause(error):
    text = str(error)
    if "all fuel consumed" in text or "call stack exhausted" in text:
        raise Unsure("too much to run")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    traps = [line for line in lines if "wasm trap:" in line]
    if traps:
        return traps[-1].split("wasm trap: ")[-1]
    if isinstance(error, wasmtime.Trap):
        return "trap"
    if "thrown Wasm exception" in text or "uncaught exception" in text:
        return "exception"
    return None


def shown(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return ",".join(map(shown, value))
    return type(value).__name__


def value_type(name):
    return getattr(wasmtime.ValType, name)()


class World:
    """A store, and the host in it."""

    def __init__(self, engine, hosts):
        self.store = wasmtime.Store(engine)
        self.store.set_fuel(FUEL)
        self.log = []
        self.linker = wasmtime.Linker(engine)
        for host in hosts:
            self.linker.define(self.store, "host", host["name"], self.make(host))

    def make(self, host):
        kind = host["kind"]
        if kind == "function":
            types = [value_type(t) for t in host["types"]]
            results = types[host["parameters"]:]

            # wasmtime keeps the function as long as the store: it must not keep the store in turn.
            log, name = self.log, host["name"]

            def call(*arguments):
                log.append(f"{name}({shown(arguments)})")
                total = 7 + len(log)
                for result in results:
                    return float(total) if str(result) in ("f32", "f64") else total
                return None

            return wasmtime.Func(self.store, wasmtime.FuncType(types[: host["parameters"]], results), call)
        if kind == "memory":
            limits = wasmtime.Limits(host["minimum"], host.get("maximum"))
            return wasmtime.Memory(self.store, wasmtime.MemoryType(limits))
        if kind == "table":
            limits = wasmtime.Limits(host["minimum"], host.get("maximum"))
            return wasmtime.Table(self.store, wasmtime.TableType(wasmtime.ValType.funcref(), limits), None)
        make = getattr(wasmtime.Val, host["types"][0])
        return wasmtime.Global(
            self.store, wasmtime.GlobalType(value_type(host["types"][0]), host["mutable"]), make(3))

    def instantiate(self, module):
        try:
            return self.linker.instantiate(self.store, module)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            why = cause(error)
            if why is None:
                raise Refused(str(error).replace("\n", " "))
            raise Trapped(why)

    def observe(self, exports, calls):
        """Calls exports, and tells what they gave and what is left in the end."""
        seen = []
        for name, *arguments in calls:
            function = exports.get(name)
            if not isinstance(function, wasmtime.Func):
                continue
            try:
                types = list(function.type(self.store).params)
                arguments = [float(a) if str(t) in ("f32", "f64") else a for a, t in zip(arguments, types)]
                outcome = shown(function(self.store, *arguments))
            except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
                outcome = cause(error) or str(error)
            seen.append((f"{name}({shown(arguments)})", outcome))
        for name in sorted(exports):
            seen.append((f"{name} in the end", self.state(exports[name])))
        seen.append(("host", "; ".join(self.log)))
        return seen

    def state(self, what):
        if isinstance(what, wasmtime.Global):
            try:
                return shown(what.value(self.store))
            except Exception:
                return "a reference"
        if isinstance(what, wasmtime.Memory):
            data = bytes(what.read(self.store, 0, what.data_len(self.store)))
            return f"{len(data)} bytes {what.type(self.store).limits.max} {data.rstrip(bytes(1)).hex()}"
        if isinstance(what, wasmtime.SharedMemory):
            data = shared_memory.contents(what)
            return f"{len(data)} bytes {what.type().limits.max} {data.rstrip(bytes(1)).hex()}"
        if isinstance(what, wasmtime.Table):
            size = what.size(self.store)
            held = "".join("." if what.get(self.store, i) is None else "f" for i in range(min(size, 64)))
            return f"{size} slots {what.type(self.store).limits.max} {held}"
        return type(what).__name__


def order(modules):
    """Each module behind those that it imports from, which come in the order of the command line as all others do."""
    names = {}
    for index, (name, _) in enumerate(modules):
        names.setdefault(name, []).append(index)
    result = []
    visited = set()

    def visit(index):
        if index in visited:
            return
        visited.add(index)
        needed = set()
        for item in modules[index][1].imports:
            providers = names.get(item.module, [])
            if len(providers) > 1:
                providers = [p for p in providers if any(e.name == item.name for e in modules[p][1].exports)]
            needed.update(providers)
        for provider in sorted(needed):
            visit(provider)
        result.append(index)

    for index in range(len(modules)):
        visit(index)
    return result


def compared(separate, linked):
    for (what, expected), (other, actual) in zip(separate, linked):
        if what != other:
            return f"{what} or {other}"
        if expected != actual:
            return f"{what}: {expected[:300]} separately, {actual[:300]} linked"
    if len(separate) != len(linked):
        return f"{len(separate)} and {len(linked)} observations"
    return None


def refused_separately(failure):
    if "unknown import: `env::" in str(failure):
        raise Unsure("the host may have it")
    return "differs", f"the engine refuses: {failure}"


def has_grown(store, exports):
    """Whether a start function made a memory or table larger than it is declared."""
    return any(
        shared_memory.pages(extern) > extern.type().limits.min if isinstance(extern, wasmtime.SharedMemory)
        else extern.size(store) > extern.type(store).limits.min for extern in exports.values()
        if isinstance(extern, (wasmtime.Memory, wasmtime.SharedMemory, wasmtime.Table)))


def outcome_of(engine, case):
    modules = []
    for module in case["modules"]:
        try:
            modules.append((module["name"], wasmtime.Module(engine, base64.b64decode(module["bytes"]))))
        except wasmtime.WasmtimeError as error:
            return "differs", f"the generator's {module['name']} is not valid: {error}"
    apart = World(engine, case["hosts"])
    exports = {}
    failure = None
    try:
        for index in order(modules):
            name, module = modules[index]
            instance = apart.instantiate(module)
            externs = dict(zip((e.name for e in module.exports), instance.exports(apart.store).values()))
            exports.update(externs)
            apart.linker.define_instance(apart.store, name, instance)
    except (Refused, Trapped) as error:
        failure = error

    if case.get("result") is None:
        if isinstance(failure, Refused):
            return "both refuse", str(failure)
        if all(any(reason in error for reason in BY_DESIGN) for error in case["errors"]):
            return "refused by design", case["errors"][0]
        if failure:
            raise Unsure("a trap, and refused")
        if all(" type mismatch: " in error for error in case["errors"]) and has_grown(apart.store, exports):
            return "refused by design", "a start function makes larger what an import then fits: " + case["errors"][0]
        return "differs", f"the linker refuses: {case['errors']}"
    try:
        result = wasmtime.Module(engine, base64.b64decode(case.get("result")))
    except wasmtime.WasmtimeError as error:
        return "differs", f"the result is not valid: {error}"
    together = World(engine, case["hosts"])
    try:
        instance = together.instantiate(result)
    except Refused as error:
        if failure is not None:
            return "both refuse", f"{failure}; {error}"
        if "unknown import: `env::" in str(error):
            raise Unsure("the host may have it")
        return "differs", f"the result is refused: {error}"
    except Trapped as error:
        if isinstance(failure, Refused):
            return refused_separately(failure)
        if failure is None:
            return "differs", f"instantiating the result traps: {error}"
        # Segments of all modules are there before any start function runs, so the trap may be another.
        return "both trap", str(error)
    if isinstance(failure, Refused):
        return refused_separately(failure)
    if failure:
        return "differs", f"instantiation traps separately: {failure}"
    own = dict(zip((e.name for e in result.exports), instance.exports(together.store).values()))
    if "memory" not in exports:
        # A host can see the first memory of a result even if no module shows it.
        own.pop("memory", None)
    if set(own) != set(exports):
        return "differs", f"exports: missing {sorted(set(exports) - set(own))}, more {sorted(set(own) - set(exports))}"
    difference = compared(apart.observe(exports, case["calls"]), together.observe(own, case["calls"]))
    return ("differs", difference) if difference else ("same", "")


def judge(engine, case):
    # It needs this file in turn.
    import library_loader

    try:
        if case.get("kind") == "libraries":
            outcome, detail = library_loader.outcome_of(engine, case)
        else:
            outcome, detail = outcome_of(engine, case)
    except Unsure as error:
        outcome, detail = "unsure", str(error)
    return {"seed": case["seed"], "outcome": outcome, "detail": detail}
