"""Random C programs of several files, split at random into objects, archives and shared libraries.

  random_c.py COUNT [SEED [FOLDER]]    SOLDER names the linker; differences are written to FOLDER

Each program is linked twice: by wasm-ld from its objects, and by solder from a mix of what they were made into, with
random options; or its libraries are lifted to objects, which any linker links. Both results are called in the same way and
have to give the same. A program is named by its seed.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

import wasmtime
from shared_memory import SharedMemory

FUEL = 50_000_000
CALLS_EACH = 3
# How often a program is divided and linked.
MIXES = 3


class Program:
    """The sources: functions have ranks and call only those of lower ranks, by pointers only those of rank 0."""

    def __init__(self, rng):
        self.rng = rng
        self.cpp = rng.random() < 0.25
        # Thread-local variables: for one thread, or for two.
        self.threads = rng.choice(["one", "two", "two"]) if rng.random() < 0.2 else None
        # Whether a file may use another one's, which needs code that finds them by the GOT.
        self.shares_locals = self.threads is not None and rng.random() < 0.4
        # The instructions that engines have; who throws and who catches are in different files.
        self.throws = self.cpp and self.threads is None and rng.random() < 0.4
        self.count = rng.choice([2, 2, 2, 3, 3, 4, 5])
        self.files = range(self.count)
        # A file that may be a whole module: it calls others and takes their addresses, but has no name for their data.
        self.module = None
        if not self.cpp and not self.threads and rng.random() < 0.3:
            self.module = rng.randrange(1, self.count)
        self.functions = []
        self.data = []
        for file in self.files:
            for number in range(rng.randint(1, 5)):
                self.functions.append((f"f{file}_{number}", file, rng.randint(0, 4)))
            for number in range(rng.randint(1, 4)):
                self.data.append((f"d{file}_{number}", file))
        self.runs = []
        self.sources = [self.source(file) for file in self.files]

    def leaf(self):
        leaves = [name for name, _, rank in self.functions if rank == 0]
        return self.rng.choice(leaves) if leaves else None

    def some_data(self, file):
        return self.rng.choice([name for name, owner in self.data if file != self.module or owner == file])

    def source(self, file):
        rng = self.rng
        out = []
        external = 'extern "C" ' if self.cpp else "extern "
        for name, _, _ in self.functions:
            out.append(f"{'extern %sC%s ' % (chr(34), chr(34)) if self.cpp else ''}int {name}(int x);")
        for name, _ in self.data:
            out.append(f"{external}int {name};")
        if self.threads:
            local = "thread_local" if self.cpp else "_Thread_local"
            for other in self.files:
                if other == file or self.shares_locals:
                    out.append(f"{external}{local} int t{other}_0; {external}{local} int t{other}_1;")
            out.append(f"static {local} int mine = {rng.randint(0, 99)};")
        if self.throws:
            out.append(THROWING)
        out.append("struct pair { int *data; int (*function)(int); int number; };")
        weak = f'{external}int absent(int) __attribute__((weak)); {external}int nothing __attribute__((weak));'
        out.append(weak)
        if self.cpp:
            out.append("inline int shared_inline(int x) { static int count = 3; count += x & 7; return count + x; }")
            out.append("template <typename T> T twice(T x) { static T kept = 1; kept ^= x; return x * 2 + kept; }")
        out.append(f"static int own[{rng.randint(2, 6)}] = {{ {rng.randint(1, 99)}, {rng.randint(1, 99)} }};")
        out.append(f'static const char text[] = "file {file} {rng.randint(0, 9) * "x"}";')
        out.append(f"static int zeros[{rng.choice([1, 4, 100])}];")
        for name, owner in self.data:
            if owner == file:
                prefix = 'extern "C" { ' if self.cpp else ""
                suffix = " }" if self.cpp else ""
                section = ' __attribute__((aligned(64)))' if rng.random() < 0.1 else ""
                out.append(f"{prefix}int {name}{section} = {rng.choice([0, rng.randint(-99, 999)])};{suffix}")
        if self.threads:
            opening, closing = ('extern "C" { ', " }") if self.cpp else ("", "")
            for number, value in enumerate([rng.randint(1, 99), 0]):
                out.append(f"{opening}{local} int t{file}_{number}{f' = {value}' if value else ''};{closing}")
        pointers = [rng.choice(["own", "zeros", "&" + self.some_data(file), "&own[1]"]) for _ in range(3)]
        constness = rng.choice(["", "const ", "static ", "static const "])
        if "static" not in constness:
            constness += f"__attribute__((visibility(\"hidden\"))) "
        out.append(f"{'extern ' if self.cpp and constness.startswith('const') else ''}{constness.replace('const ', '')}int *{'const ' if 'const' in constness else ''}pointers{file}[] = {{ {', '.join(pointers)} }};")
        leaf = self.leaf()
        functions = [self.leaf() or "0" for _ in range(3)]
        out.append(f"static int (*functions[])(int) = {{ {', '.join(functions)} }};")
        out.append(
            f"static struct pair pairs[] = {{ {{ &{self.some_data(file)}, {leaf or '0'}, {rng.randint(0, 99)} }}, "
            f"{{ own, 0, 7 }} }};")
        if self.cpp:
            out.append('extern "C" {')
        out.append(f"static int local{file}(int x) {{ own[0] += x; return own[0] ^ x; }}")
        if file != self.module and rng.random() < 0.5:
            priority = rng.choice(["", "(101)", "(2000)"])
            out.append(
                f"__attribute__((constructor{priority})) static void construct{file}(void) "
                f"{{ own[1] = own[1] * 3 + {rng.randint(1, 9)}; zeros[0] += text[0]; }}")
        for name, owner, rank in self.functions:
            if owner == file:
                attribute = rng.choice(["", "", "__attribute__((noinline)) ", "__attribute__((weak)) "])
                body = " ".join(self.statement(file, rank) for _ in range(rng.randint(1, 6)))
                out.append(f"{attribute}int {name}(int x) {{ {body} return x; }}")
                if rng.random() < 0.1 and "weak" not in attribute:
                    out.append(f'int a{name}(int x) __attribute__((alias("{name}")));')
        for number in range(rng.randint(1, 2) if file == 0 or rng.random() < 0.3 else 0):
            run = f"run{file}_{number}"
            # The name of the export is the function's own, or another one.
            own = run if rng.random() < 0.6 else "own_" + run
            self.runs.append((run, own))
            body = " ".join(self.statement(file, 9) for _ in range(rng.randint(2, 6)))
            out.append(f'__attribute__((export_name("{run}"))) int {own}(int x) {{ {body} return x; }}')
        if file == 0:
            out.append("void __wasm_call_ctors(void);")
            out.append('__attribute__((export_name("_initialize"))) void _initialize(void) { __wasm_call_ctors(); }')
            if self.threads == "two":
                out.append("void __wasm_init_tls(void *); static char blocks[2][4096] __attribute__((aligned(64)));")
                out.append('__attribute__((export_name("begin"))) void begin(int thread) { __wasm_init_tls(blocks[thread]); }')
            if self.throws:
                out.append(RUNTIME)
        if self.cpp:
            out.append("}")
        return "\n".join(out) + "\n"

    def statement(self, file, rank):
        rng = self.rng
        lower = [name for name, _, other in self.functions if other < rank]
        data, leaf = self.some_data(file), self.leaf()
        choices = [
            f"x = x * 31 + {data};", f"{data} += x;", f"x ^= {data}; {data} = x & 1023;", "x += own[x & 1];",
            f"x += *pointers{file}[{rng.randint(0, 2)}];", f"(*pointers{file}[{rng.randint(0, 2)}])++;",
            f"x += text[x & 3];", f"zeros[0] = x; x += zeros[0];",
            f"x = x * 3 + (pairs[0].data == &{data});", "*pairs[0].data += 2;",
            f"if (&nothing) x += nothing;", f"for (int i = 0; i < 3; i++) x += i * {data};",
            "switch (x & 7) { case 0: x += 5; break; case 1: x ^= 77; break; case 2: x *= 3; break; "
            "case 3: x -= 9; break; case 5: x += own[0]; break; default: x++; }",
            f"{{ static int kept = {rng.randint(0, 9)}; kept += x & 15; x += kept; }}",
            f"{{ volatile int area[{rng.randint(2, 9)}]; area[1] = x; x += area[1] & 31; }}",
            "x = (int)((double)x * 1.5 + 0.25f);", "x = (int)(((long long)x << 7) % 1000003);",
            f"{{ volatile struct pair copy = pairs[1]; x += copy.number; }}",
        ]
        if self.threads:
            number = rng.randint(0, 1)
            other = rng.choice(self.files) if self.shares_locals else file
            choices += [
                f"t{file}_{number} += x & 15; x += t{file}_{number};", "mine ^= x; x += mine;",
                f"x += t{other}_{number};", f"t{other}_{number}++;", f"{{ int *volatile p = &t{other}_{number}; *p += x & 3; x += *p; }}"]
        if self.throws:
            choices += ["if ((x & 7) == 3) throw_number(x);"]
            if lower:
                choices += [f"try {{ x += {rng.choice(lower)}(x); }} catch (...) {{ x += 17; }}" for _ in range(2)]
        if self.cpp:
            choices += ["x += shared_inline(x);", "x += twice(x);", "x += (int)twice((long long)x);"]
        if rank > 0 and leaf:
            choices += [
                f"x += functions[{rng.randint(0, 2)}](x);", f"if (pairs[0].function) x += pairs[0].function(x);",
                f"{{ int (*volatile p)(int) = {leaf}; x += p(x) + (p == functions[0]) + (p == pairs[0].function); }}",
                f"x += local{file}(x);"]
        if rank > 0:
            choices.append("if (absent) x += absent(x);")
        if lower:
            choices += [f"x += {rng.choice(lower)}(x);" for _ in range(5)]
        return rng.choice(choices)


# Who throws calls this, which file 0 has.
THROWING = """
extern "C" void throw_number(int);
"""

# What a C++ library would have of all that.
RUNTIME = """
extern "C" {
static int thrown;
void *__wasm_lpad_context[4];
int _Unwind_CallPersonality(void *) { return 0; }
int __gxx_wasm_personality_v0(...) { return 0; }
void throw_number(int x) { thrown = x; __builtin_wasm_throw(0, &thrown); }
void *__cxa_begin_catch(void *p) { return p; }
void __cxa_end_catch() {}
[[noreturn]] void __cxa_rethrow() { __builtin_wasm_throw(0, &thrown); }
}
namespace std { [[noreturn]] void terminate() { __builtin_trap(); } }
"""

COMPILERS = [("clang-19", "clang++-19", "wasm-ld-19"), ("clang", "clang++", "wasm-ld")]
LINKERS = ["wasm-ld-19", "wasm-ld", "wasm-ld-22"]
# The older releases whose libraries there are.
OLDER = [linker for linker in ("wasm-ld-14", "wasm-ld-15", "wasm-ld-16") if shutil.which(linker)]
# How many libraries Binaryen changes, and how.
OPTIMISED = float(os.environ.get("OPTIMISED", "0.15"))
PASSES = ["-O1", "-O2", "-O3", "-O4", "-Os", "-Oz", "--flatten", "--simplify-globals-optimizing", "--memory-packing", "--code-folding",
          "--local-cse", "--licm", "--const-hoisting", "--reorder-functions", "--reorder-locals", "--coalesce-locals", "--rse",
          "--precompute-propagate", "--inlining-optimizing", "--duplicate-function-elimination",
          "--simplify-locals", "--dae-optimizing", "--remove-unused-module-elements", "--ssa", "--untee", "--vacuum"]


def run(*words):
    result = subprocess.run(words, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{' '.join(words)}\n{result.stderr}")
    return result


class Build:
    def __init__(self, rng, program, folder):
        self.rng, self.program, self.folder = rng, program, folder
        self.wide = rng.random() < 0.25
        # wasm-ld 19 writes invalid libraries for wasm64.
        is_new = self.wide or program.throws or rng.random() < 0.7
        self.c, self.cxx, self.ld = COMPILERS[1] if is_new else COMPILERS[0]
        self.linkers = LINKERS
        self.optimised = []
        if program.threads == "one":
            # Release 19 places thread-local data and code for it in different ways without shared memory.
            self.ld, self.linkers = LINKERS[1], LINKERS[1:]
        self.target = ["--target=" + ("wasm64" if self.wide else "wasm32")]
        if program.threads:
            # Emscripten's finds thread-local variables by the GOT where another unit may have them.
            system = "emscripten" if program.shares_locals or rng.random() < 0.5 else "unknown"
            self.target = [f"{self.target[0]}-unknown-{system}", "-pthread", "-matomics", "-mbulk-memory"]
        # In half of the programs objects are made for any address, too.
        self.all_pic = program.shares_locals or rng.random() < 0.5
        self.shared = ["--shared-memory", "--import-memory", "--max-memory=4194304"] if program.threads == "two" else []
        self.flags = rng.choice([["-O0"], ["-O1"], ["-O2"], ["-Oz"], ["-O2", "-g"], ["-O2", "-ffunction-sections", "-fdata-sections"]])
        self.mode = ["-mwasm64"] if self.wide else []

    def path(self, name):
        return os.path.join(self.folder, name)

    def compile(self, file, pic):
        # Code for any address imports the tag of C++ exceptions: one file has to define it.
        pic = pic and not (self.program.throws and file == 0)
        suffix = ".cpp" if self.program.cpp else ".c"
        source = self.path(f"file{file}{suffix}")
        with open(source, "w") as out:
            out.write(self.program.sources[file])
        output = self.path(f"file{file}{'.pic' if pic else ''}.o")
        extra = ["-fPIC", "-fvisibility=default"] if pic else []
        if self.program.cpp:
            extra += ["-fno-rtti", "-fno-threadsafe-statics"]
            if self.program.throws:
                extra += ["-fwasm-exceptions", "-mllvm", "-wasm-use-legacy-eh=false"]
            else:
                extra += ["-fno-exceptions"]
        run(self.cxx if self.program.cpp else self.c, *self.target, *self.flags, *extra, "-nostdlib", "-w", "-c", source,
            "-o", output)
        return output

    def objects(self):
        self.plain = [self.compile(file, self.all_pic) for file in self.program.files]
        self.pic = dict(enumerate(self.plain)) if self.all_pic else {}

    def reference(self):
        output = self.path("reference.wasm")
        run(self.ld, *self.mode, *self.shared, "--no-entry", "--allow-undefined", *self.plain, "-o", output)
        return output

    def whole_module(self, file, number):
        """A program of one file that has room for others' data below its own, and imports what they have."""
        path = self.path(f"module{number}.wasm")
        names = [name for name, owner, *_ in self.program.functions + self.program.data if owner == file]
        shown = names + ["__heap_base", "__global_base", "__stack_pointer"]
        run(self.ld, *self.mode, "--no-entry", "--import-undefined", "--stack-first", "-z", "stack-size=32768",
            "--global-base=262144", *[f"--export={name}" for name in shown], self.plain[file], "-o", path)
        return path

    def mix(self, number):
        """Files for solder: the order and the partition are random, file 0, which has the entry, stays an object."""
        rng = self.rng
        groups = {}
        for file in self.program.files:
            kind = rng.choice(["object", "object", "archive", "library", "library", "library"])
            if file == 0:
                kind = "object"
            if file == self.program.module and rng.random() < 0.7:
                kind = "module"
            groups.setdefault((kind, rng.randint(0, 2)) if kind != "object" else (kind, file), []).append(file)
        inputs = []
        for (kind, place), files in groups.items():
            if kind == "object":
                inputs += [self.plain[file] for file in files]
            elif kind == "module":
                inputs += [self.whole_module(files[0], number)]
            elif kind == "archive":
                path = self.path(f"lib{number}_{place}.a")
                archive(path, [self.plain[file] for file in files], rng.random() < 0.4)
                inputs.append(path)
            else:
                for file in files:
                    if file not in self.pic:
                        self.pic[file] = self.compile(file, True)
                path = self.path(f"lib{number}_{place}.so")
                extra = rng.choice(
                    [[], [], ["-Bsymbolic"], ["--strip-debug", "--compress-relocations"], ["-O2"], ["--strip-all"]])
                # A library that keeps to its own copies of inline functions' variables does so in a result, too.
                if self.program.cpp and extra == ["-Bsymbolic"]:
                    extra = []
                # Only names tell an export_name from a symbol.
                if any(run != own for run, own in self.program.runs) and extra == ["--strip-all"]:
                    extra = ["--strip-debug"]
                self.library(path, [self.pic[file] for file in files], extra)
                inputs.append(path)
        rng.shuffle(inputs)
        return inputs, groups

    def library(self, path, objects, extra):
        rng = self.rng
        if self.shared:
            extra = [*extra, *self.shared[:1], self.shared[2]]
            # Without names nothing else says how a thread gets its copy; where operands are short, something may have been
            # removed.
            if rng.random() < 0.7 or "--strip-all" in extra or "--compress-relocations" in extra:
                extra = [*extra, "--export=__wasm_init_tls"]
        words = [*self.mode, "-shared", "--unresolved-symbols=import-dynamic", *extra, *objects, "-o", path]
        if OLDER and not self.wide and not self.program.threads and rng.random() < 0.1:
            # They do not know all that is in newer objects.
            if subprocess.run([rng.choice(OLDER), *words], capture_output=True).returncode == 0:
                self.optimise(path)
                return
        # wasm-ld places thread-local and other data in different ways in the segment and in code, without shared memory.
        linker = os.environ["SOLDER"] if self.program.threads == "one" else self.ld
        try:
            run(linker, "--experimental-pic", *words)
        except RuntimeError:
            # Release 19 crashes at some with thread-local data.
            if self.ld != LINKERS[0]:
                raise
            run(LINKERS[1], "--experimental-pic", *words)
        # For one thread, only names of variables say how code finds thread-local data.
        if not self.program.threads or "--export=__wasm_init_tls" in extra:
            self.optimise(path)

    def optimise(self, path):
        """Now and then what Binaryen makes of it, which writes code, segments and names anew."""
        rng = self.rng
        tool = os.environ.get("WASM_OPT", "wasm-opt")
        if rng.random() >= OPTIMISED or not shutil.which(tool):
            return
        passes = rng.sample(PASSES, rng.randint(1, 4))
        words = [tool, "--all-features", "--disable-gc", "-g", *passes, path, "-o", path + ".optimised"]
        # It does not know all that is in newer files.
        if subprocess.run(words, capture_output=True).returncode == 0:
            self.optimised.append(" ".join([os.path.basename(path), *passes]))
            os.replace(path + ".optimised", path)

    def lift(self, inputs, solder, number):
        """The same with libraries as objects: one object each, or one for all in the place of the first."""
        libraries = [path for path in inputs if path.endswith(".so")]
        # Nothing says which of other units' data is thread-local, and an object's code would have to know.
        if not libraries or self.program.shares_locals:
            return inputs
        groups = [libraries] if self.rng.random() < 0.3 else [[path] for path in libraries]
        lifted = {}
        for position, group in enumerate(groups):
            output = self.path(f"lifted{number}_{position}.o")
            try:
                run(solder, "-r", *self.mode, *group, "-o", output)
            except RuntimeError as error:
                # What threads do only once has no form in objects.
                if "cannot be written as an object" in str(error):
                    return inputs
                raise
            lifted[group[0]] = output
        return [lifted.get(path, path) for path in inputs if path in lifted or path not in libraries]

    def options(self, has_module):
        rng = self.rng
        options = [*self.mode, *self.shared, "--no-entry"]
        for choice in [["--no-gc-sections"], ["--strip-all"], ["-O2"], ["--strip-debug", "--compress-relocations"],
                       ["--no-stack-first"], ["-z", "stack-size=16384"], ["--export-table"], ["--growable-table"],
                       ["--no-stack-first", "--global-base=4096"], ["--initial-memory=1048576"], ["--export-all"], ["--no-merge-data-segments"],
                       ["--export-memory"], ["--threads=3"], ["--build-id"], ["--gc-sections"],
                       ["--icf=safe"], ["--export-dynamic"], ["--strip-all", "--compress-relocations"], ["-O0"]]:
            # Where a whole module has its data and its stack is for itself to say.
            if rng.random() < 0.12 and not (has_module and re.search("stack|base|memory=", choice[-1])):
                options += choice
        # What is used only from archives is named, as for any linker.
        if "--stack-first" in options and "--global-base=4096" in options:
            options.remove("--global-base=4096")
        return options


def archive(path, files, has_index):
    if os.path.exists(path):
        os.remove(path)
    if has_index:
        run("llvm-ar", "rcs", path, *files)
        return
    with open(path, "wb") as out:
        out.write(b"!<arch>\n")
        for file in files:
            with open(file, "rb") as member:
                data = member.read()
            name = os.path.basename(file) + "/"
            out.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2))


def engine():
    config = wasmtime.Config()
    config.wasm_memory64 = True
    config.consume_fuel = True
    config.parallel_compilation = False
    config.cranelift_opt_level = "none"
    config.cranelift_flag_set("regalloc_algorithm", "single_pass")
    config.wasm_exceptions = True
    config.wasm_threads = True
    config.shared_memory = True
    return wasmtime.Engine(config)


def behaviour(engine, path, runs):
    """What calls of the exports give, one after the other."""
    store = wasmtime.Store(engine)
    store.set_fuel(FUEL)
    with open(path, "rb") as file:
        module = wasmtime.Module(engine, file.read())
    linker = wasmtime.Linker(engine)
    # Threads are instances that have one memory.
    memories = [item for item in module.imports if isinstance(item.type, wasmtime.MemoryType)]
    for item in memories:
        linker.define(store, item.module, item.name, SharedMemory(engine, item.type))
    if not memories:
        linker.define_unknown_imports_as_traps(module)
    threads = [linker.instantiate(store, module).exports(store) for _ in range(2 if memories else 1)]
    threads[0]["_initialize"](store)
    for number, thread in enumerate(threads if memories else []):
        thread["begin"](store, number)
    seen = []
    for number in range(CALLS_EACH):
        for name, _ in runs:
            for place, thread in enumerate(threads):
                call = f"{'thread %d ' % place if memories else ''}{name}({number * 5 + 1})"
                try:
                    seen.append(f"{call} = {thread[name](store, number * 5 + 1)}")
                except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
                    lines = [line for line in str(error).splitlines() if "trap:" in line]
                    thrown = "exception" if "xception" in str(error) else error
                    seen.append(f"{call} fails: {lines[-1].split('trap:')[-1] if lines else thrown}")
    return seen


def judge(seed, wasm, solder, keep):
    rng = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="judge-c-")
    try:
        program = Program(rng)
        build = Build(rng, program, folder)
        build.objects()
        expected = behaviour(wasm, build.reference(), program.runs)
        for number in range(MIXES):
            inputs, groups = build.mix(number)
            output = build.path("result.wasm")
            has_module = any(path.endswith(".wasm") for path in inputs)
            words = [solder, *build.options(has_module)]
            if number % 2:
                inputs = build.lift(inputs, solder, number)
                # wasm-ld 19 has 32-bit tables in 64-bit programs.
                linker = rng.choice([solder, build.ld] + ([] if build.wide else build.linkers))
                if linker != solder and not any(path.endswith((".so", ".wasm")) for path in inputs):
                    words = [linker, *build.mode, *build.shared, "--no-entry", "--allow-undefined"]
            # An archive gives only what is asked for: ask for the exported functions.
            words += [word for _, own in program.runs for word in ("-u", own)]
            # A library's exports are exported again where their name says that they are meant to be.
            words += [f"--export={own}" for run, own in program.runs if run == own]
            words += [*inputs, "-o", output]
            result = subprocess.run(words, capture_output=True, text=True, timeout=60)
            if result.returncode and number % 2 and "duplicate symbol" in result.stderr:
                # Libraries of -Bsymbolic do not say what is weak.
                return None
            if result.returncode and "link the library with --export=__wasm_init_tls" in result.stderr:
                # No operand of its code shows that nothing was removed from it.
                return None
            if result.returncode:
                difference = f"exit {result.returncode}: {result.stderr}"
            else:
                try:
                    actual = behaviour(wasm, output, program.runs)
                    pairs = [(a, b) for a, b in zip(expected, actual) if a != b]
                    difference = f"wasm-ld {pairs[0][0]}, solder {pairs[0][1]}" if pairs else None
                except Exception as error:
                    difference = f"the result fails: {type(error).__name__} {error}"
            if difference:
                report(seed, folder, keep, words, difference, groups, build)
                return difference
            if result.stderr and "warning" in result.stderr:
                return None
        return None
    finally:
        shutil.rmtree(folder)


def report(seed, folder, keep, words, difference, groups, build):
    if not keep:
        return
    place = os.path.join(keep, str(seed))
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder, place)
    with open(os.path.join(place, "about.txt"), "w") as out:
        command = " ".join(words).replace(folder + "/", "")
        flags = " ".join([build.c, *build.target, *build.flags])
        out.write(f"{difference}\n\n{command}\n\nwasm-ld: {build.ld}; {flags}; groups: {groups}; optimised: {build.optimised}\n")


def main():
    count = int(sys.argv[1])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    keep = sys.argv[3] if len(sys.argv) > 3 else None
    solder = os.environ["SOLDER"]
    wasm = engine()
    kinds = {}
    for seed in range(first, first + count):
        try:
            difference = judge(seed, wasm, solder, keep)
        except RuntimeError as error:
            difference = f"tool: {error}"
        if difference:
            print(f"seed {seed}: {difference[:600]}", flush=True)
            kind = re.sub(r"[0-9]+|/\S+", "", difference)[:80]
            kinds[kind] = kinds.get(kind, 0) + 1
    print(f"{count} programs from seed {first}: {sum(kinds.values())} differences")
    sys.exit(1 if kinds else 0)


if __name__ == "__main__":
    main()
