"""A dynamic loader for the judge: what an engine and a loader do with shared libraries, against the linked result.

A case is {"seed", "kind": "libraries", "is64", "isThreaded", "libraries": [{"name", "bytes", "memory", "alignment", "table",
"threadSize", "needed"}...] in the order of the command line, "program": BYTES or null, "numbers": [NAME...], "threadNames":
[NAME...], "aliases": {NAME: NAME}, "calls", "result", "errors"}. The first definition of a name in the order of the command line is what it means, but one that its
library imports as well is weak (so wasm-ld says it), and others go before it.

Where all is made for threads, a second one instantiates everything once more on the same memory: it gets copies of the
thread-local data, but neither relocates nor constructs what is there already.
"""

import base64

import wasmtime
from separate_instantiation import Refused, Trapped, World, compared
from shared_memory import SharedMemory

SPECIAL = {"__wasm_call_ctors", "__wasm_call_dtors", "__wasm_apply_data_relocs", "__wasm_init_tls"}


class Loader:
    """What one thread has: instances of all libraries."""

    def __init__(self, engine, case, log, thread=0, memory=None):
        self.world = World(engine, [])
        self.thread = thread
        self.memory = memory
        self.engine = engine
        self.case = case
        self.store = self.world.store
        self.log = log
        self.libraries = [
            (library, wasmtime.Module(engine, base64.b64decode(library["bytes"]))) for library in case["libraries"]]
        self.program = case.get("program") and wasmtime.Module(engine, base64.b64decode(case["program"]))
        provide_host(self.world, self.log, case["is64"])

    def load(self):
        modules = [module for _, module in self.libraries] + ([self.program] if self.program else [])
        imports = {}
        for module in modules:
            for item in module.imports:
                imports[item.module, item.name] = item.type
        functions = sorted(name for (module, name), _ in imports.items() if module == "env" and is_function(imports[module, name]))
        self.make_environment(imports, functions)
        if self.program:
            self.memory_owner = self.world.instantiate(self.program)
            memory = self.memory_owner.exports(self.store)["memory"]
            memory.grow(self.store, 8)
            self.world.linker.define(self.store, "env", "memory", memory)
        instances = self.instances = self.instantiate_libraries()
        owners, weak = {}, {}
        for (library, module), exports in instances:
            imported = {item.name for item in module.imports if item.module == "env"}
            for name, extern in exports.items():
                if name not in SPECIAL and name not in self.case["aliases"]:
                    (weak if name in imported else owners).setdefault(name, (library, extern))
        owners = weak | owners
        for name in self.case["aliases"]:
            end = self.end(name)
            if end in owners:
                owners[name] = owners[end]
        self.uses = {}
        for library, module in self.libraries:
            names = [item.name for item in module.imports if item.name in owners]
            self.uses[number_of(library["name"])] = {number_of(owners[name][0]["name"]) for name in names}
        self.owning = [library["name"] for library, _ in owners.values()]
        for place, name in enumerate(functions):
            if name in owners:
                self.environment["trampolines"].set(self.store, place, owners[name][1])
        self.fill_addresses(imports, owners)
        self.call("__wasm_init_tls", lambda library: [library["block"]])
        if self.thread == 0:
            self.call("__wasm_apply_data_relocs")
            self.call("__wasm_call_ctors", places=self.order())
        result = {name: extern for name, (_, extern) in owners.items() if isinstance(extern, wasmtime.Func)}
        if self.program:
            result.update(
                (name, extern) for name, extern in self.memory_owner.exports(self.store).items()
                if isinstance(extern, wasmtime.Func))
        addresses = {
            name: (extern.value(self.store) + library["base"]) for name, (library, extern) in owners.items()
            if isinstance(extern, wasmtime.Global) and not is_shared(self.store, extern)
            and self.end(name) not in self.case["threadNames"]}
        return result, addresses

    def call(self, name, arguments=lambda library: [], places=None):
        """Calls what libraries export under a name."""
        for place in range(len(self.instances)) if places is None else places:
            (library, _), exports = self.instances[place]
            if name in exports:
                exports[name](self.store, *arguments(library))

    def destruct(self):
        self.call("__wasm_call_dtors", places=reversed(self.order()))

    def end(self, name):
        """What a name of data that libraries pass on stands for."""
        while name in self.case["aliases"]:
            name = self.case["aliases"][name]
        return name

    def make_environment(self, imports, functions):
        """The environment as a module, since only a module can have 64-bit tables, and functions that call on."""
        wide = self.case["is64"]
        at, zero = ("i64", "i64.const") if wide else ("i32", "i32.const")
        limit = "i64 " if wide else ""
        text = [f'(table $t (export "__indirect_function_table") {limit}400 funcref)']
        text.append(f'(table $trampolines (export "trampolines") {max(1, len(functions))} funcref)')
        if self.memory:
            self.world.linker.define(self.store, "env", "memory", self.memory)
        elif not self.program:
            text.append(f'(memory (export "memory") {limit}8)')
        text.append('(global (export "shared") (mut i32) (i32.const 0)) (tag (export "thrown") (param i32))')
        text.append(f'(global (export "__stack_pointer") (mut {at}) ({zero} {STACK}))')
        for place, name in enumerate(functions):
            count = len(list(imports["env", name].params))
            arguments = " ".join(f"(local.get {i})" for i in range(count))
            text.append(
                f'(func (export "{name}") (param {"i32 " * count}) (result i32) (call_indirect $trampolines '
                f'(param {"i32 " * count}) (result i32) {arguments} (i32.const {place})))')
        instance = self.world.instantiate(self.module(text))
        self.world.linker.define_instance(self.store, "env", instance)
        self.environment = instance.exports(self.store)
        kind = wasmtime.GlobalType(wasmtime.ValType.i64() if wide else wasmtime.ValType.i32(), True)
        zero = wasmtime.Val.i64(0) if wide else wasmtime.Val.i32(0)
        for space in ("GOT.mem", "GOT.func"):
            cells = {name: wasmtime.Global(self.store, kind, zero) for module, name in imports if module == space}
            for name, cell in cells.items():
                self.world.linker.define(self.store, space, name, cell)
            setattr(self, space.replace(".", "_"), cells)

    def module(self, text):
        return wasmtime.Module(self.engine, wasmtime.wat2wasm("(module " + "\n".join(text) + ")"))

    def instantiate_libraries(self):
        make = wasmtime.Val.i64 if self.case["is64"] else wasmtime.Val.i32
        kind = wasmtime.GlobalType(wasmtime.ValType.i64() if self.case["is64"] else wasmtime.ValType.i32(), False)
        data, slots, block = DATA, 1, BLOCKS + self.thread * BLOCK_SIZE
        result = []
        self.world.linker.allow_shadowing = True
        for library, module in self.libraries:
            alignment = 1 << library["alignment"]
            data = (data + alignment - 1) & ~(alignment - 1)
            library["base"] = data
            block = (block + alignment - 1) & ~(alignment - 1)
            library["block"] = block
            block += library["threadSize"]
            for name, value in [("__memory_base", data), ("__table_base", slots)]:
                self.world.linker.define(self.store, "env", name, wasmtime.Global(self.store, kind, make(value)))
            data += library["memory"]
            slots += library["table"]
            instance = self.world.instantiate(module)
            for name, extern in instance.exports(self.store).items():
                if is_shared(self.store, extern):
                    self.world.linker.define(self.store, "env", name, extern)
            result.append(((library, module), instance.exports(self.store)))
        return [(pair, dict(zip((e.name for e in pair[1].exports), exports.values()))) for pair, exports in result]

    def fill_addresses(self, imports, owners):
        make = wasmtime.Val.i64 if self.case["is64"] else wasmtime.Val.i32
        table = self.environment["__indirect_function_table"]
        slot = 200
        for module, name in imports:
            if module == "GOT.mem" and name in owners:
                library, extern = owners[name]
                base = library["block" if self.end(name) in self.case["threadNames"] else "base"]
                self.GOT_mem[name].set_value(self.store, make(extern.value(self.store) + base))
            elif module == "GOT.func" and name in owners:
                table.set(self.store, slot, owners[name][1])
                self.GOT_func[name].set_value(self.store, make(slot))
                slot += 1

    def order(self):
        names = {library["name"]: index for index, (library, _) in enumerate(self.libraries)}
        result, visited = [], set()

        def visit(index):
            if index not in visited:
                visited.add(index)
                for name in self.libraries[index][0]["needed"]:
                    if name in names:
                        visit(names[name])
                result.append(index)

        for index in range(len(self.libraries)):
            visit(index)
        return result


# Where the loader puts the stack's end, and what follows it: data.
STACK, DATA = 65536, 65536 * 2
# Where threads have their copies of thread-local data, in memory of so many pages, of which there may be so many.
BLOCKS, BLOCK_SIZE = 65536 * 5, 65536
PAGES, MOST_PAGES = 8, 1 << 16


def is_function(kind):
    return isinstance(kind, wasmtime.FuncType)


def is_shared(store, extern):
    """Whether it is for other libraries to import as it is: no function, and no address."""
    if isinstance(extern, wasmtime.Global):
        return extern.type(store).mutable
    return isinstance(extern, (wasmtime.Memory, wasmtime.Table))


def provide_host(world, log, wide):
    kind = wasmtime.FuncType([wasmtime.ValType.i32()], [])
    world.linker.define(world.store, "host", "log", wasmtime.Func(world.store, kind, lambda number: log.append(number)))
    # For libraries that allocate a thread's copy, which nobody calls.
    at = wasmtime.ValType.i64() if wide else wasmtime.ValType.i32()
    kind = wasmtime.FuncType([at, at], [at])
    world.linker.define(world.store, "host", "allocate", wasmtime.Func(world.store, kind, lambda *_: 0))


def number_of(name):
    return int(name[len("lib") : -len(".so")])


def start_up(case, log, uses):
    """What starting logged, of which the order is free but for what is needed: sorted, and what is wrong with it.

    Libraries that need or use each other in a circle are one group.
    """
    position = {number: place for place, number in enumerate(log)}
    numbers = {library["name"]: number_of(library["name"]) for library in case["libraries"]}
    needs = {numbers[l["name"]]: {numbers[n] for n in l["needed"] if n in numbers} for l in case["libraries"]}

    def reachable(start, *graphs):
        seen, queue = set(), [start]
        while queue:
            current = queue.pop()
            for other in (o for graph in graphs for o in graph.get(current, ())):
                if other not in seen:
                    seen.add(other)
                    queue.append(other)
        return seen

    for one in needs:
        for other in reachable(one, needs):
            if one in reachable(other, needs, uses) or 100 + one not in position or 100 + other not in position:
                continue
            if position[100 + one] < position[100 + other]:
                return sorted(log), f"lib{one}.so is constructed before lib{other}.so, which it needs"
        if 200 + one in position and 100 + one in position and position[100 + one] < position[200 + one]:
            return sorted(log), f"lib{one}.so is constructed before it is started"
    return sorted(log), None


def destruction(case, log, uses):
    """The same of what ending logged: the reverse order of constructors."""
    found, wrong = start_up(case, [number - 200 for number in reversed(log)], uses)
    return found, wrong and wrong.replace("constructed before", "destructed behind")


class Linked:
    """One thread's instance of the result."""

    def __init__(self, engine, case, log, result, thread=0, memory=None):
        self.world = World(engine, [])
        provide_host(self.world, log, case["is64"])
        if memory:
            (name,) = [(i.module, i.name) for i in result.imports if isinstance(i.type, wasmtime.MemoryType)]
            self.world.linker.define(self.world.store, *name, memory)
        exports = self.world.instantiate(result).exports(self.world.store)
        self.exports = dict(exports.items())
        if thread and "__wasm_init_tls" in self.exports:
            self.exports["__wasm_init_tls"](self.world.store, BLOCKS + thread * BLOCK_SIZE)


def shared_memory(engine, minimum, maximum, wide):
    return SharedMemory(engine, wasmtime.MemoryType(wasmtime.Limits(minimum, maximum), is_64=wide, shared=True))


def reader(memory, store):
    """What reads a number in memory."""
    if isinstance(memory, SharedMemory):
        data = memory.data_ptr()
        return lambda at: bytes(data[at + place] for place in range(4)).hex()
    return lambda at: memory.read(store, at, at + 4).hex()


def observe(threads, log, addresses, read, case, ends):
    """What calls give: on the first thread for a while, and then on both in turn."""
    seen = []
    for place, (name, *arguments) in enumerate(case["calls"]):
        world, functions = threads(place)
        if name in functions:
            outcome = world.observe({name: functions[name]}, [[name, *arguments]])
            seen.append(outcome[0])
    seen.append(("host", str(log)))
    log.clear()
    ends()
    seen += [(f"{name} in the end", str(read(addresses[name]))) for name in case["numbers"] if name in addresses]
    return seen


def in_turn(case, first, make_second):
    """On which of two threads a call is; the second one comes when some calls were made."""
    threads = [first]

    def thread(place):
        if not case["isThreaded"] or place < len(case["calls"]) // 3:
            return first
        if len(threads) == 1:
            threads.append(make_second())
        return threads[place // 2 % 2]

    return thread


def outcome_of(engine, case):
    loaded_log, log = [], []
    is_threaded = case["isThreaded"]
    memory = shared_memory(engine, PAGES, MOST_PAGES, case["is64"]) if is_threaded else None
    loader = Loader(engine, case, loaded_log, 0, memory)
    failure = None
    try:
        functions, addresses = loader.load()
    except (Refused, Trapped, wasmtime.Trap) as error:
        failure = error
    if case.get("result") is None:
        if failure:
            return "both refuse", str(failure)
        return "differs", f"the linker refuses: {case['errors']}"
    if failure:
        return "differs", f"loading fails: {failure}"
    try:
        result = wasmtime.Module(engine, base64.b64decode(case["result"]))
    except wasmtime.WasmtimeError as error:
        return "differs", f"the result is not valid: {error}"
    own_memory = None
    if is_threaded:
        (kind,) = [i.type for i in result.imports if isinstance(i.type, wasmtime.MemoryType)]
        own_memory = shared_memory(engine, max(PAGES, kind.limits.min), kind.limits.max, case["is64"])
    try:
        linked = Linked(engine, case, log, result, 0, own_memory)
    except (Refused, Trapped) as error:
        return "differs", f"the result is refused or traps: {error}"
    own = linked.exports
    # A library of which nothing is asked may be left out.
    asked = {number_of(library) for library in loader.owning}

    def told(numbers):
        return [n for n in numbers if n < 100 or n % 100 in asked]

    def difference_of_runs(group, what):
        expected, _ = group(case, told(loaded_log), loader.uses)
        actual, wrong = group(case, told(log), loader.uses)
        if wrong:
            return f"start-up: {wrong}"
        return f"{what}: {loaded_log} loaded, {log} linked" if expected != actual else None

    difference = difference_of_runs(start_up, "start-up runs")
    if difference:
        return "differs", difference
    loaded_log.clear()
    log.clear()
    missing = [name for name in functions if name not in own]
    if missing:
        return "differs", f"exports: missing {missing}"
    own_addresses = {
        n: e.value(linked.world.store) for n, e in own.items() if isinstance(e, wasmtime.Global) and n in addresses}
    if set(own_addresses) != set(addresses):
        return "differs", f"exports: missing {sorted(set(addresses) - set(own_addresses))}"

    def load_second():
        second = Loader(engine, case, loaded_log, 1, memory)
        return second.world, second.load()[0]

    def link_second():
        second = Linked(engine, case, log, result, 1, own_memory)
        return second.world, second.exports

    def destruct():
        if "__wasm_call_dtors" in own:
            own["__wasm_call_dtors"](linked.world.store)

    if loader.program:
        memory = loader.memory_owner.exports(loader.store)["memory"]
    separate = observe(
        in_turn(case, (loader.world, functions), load_second), loaded_log, addresses,
        reader(memory or loader.environment["memory"], loader.store), case, loader.destruct)
    together = observe(
        in_turn(case, (linked.world, own), link_second), log, own_addresses,
        reader(own_memory or own["memory"], linked.world.store), case, destruct)
    difference = compared(separate, together)
    if difference:
        return "differs", difference
    difference = difference_of_runs(destruction, "start-up: destructors run")
    return ("differs", difference) if difference else ("same", "")
