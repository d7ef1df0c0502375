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

FUEL = 50_000_000
CALLS_EACH = 3


class Program:
    """The sources: functions have ranks and call only those of lower ranks, by pointers only those of rank 0."""

    def __init__(self, rng):
        self.rng = rng
        self.cpp = rng.random() < 0.25
        self.count = rng.choice([2, 2, 3, 3, 4, 5, 6])
        self.files = range(self.count)
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

    def some_data(self):
        return self.rng.choice(self.data)[0]

    def source(self, file):
        rng = self.rng
        out = []
        external = 'extern "C" ' if self.cpp else "extern "
        for name, _, _ in self.functions:
            out.append(f"{'extern %sC%s ' % (chr(34), chr(34)) if self.cpp else ''}int {name}(int x);")
        for name, _ in self.data:
            out.append(f"{external}int {name};")
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
        pointers = [rng.choice(["own", "zeros", "&" + self.some_data(), "&own[1]"]) for _ in range(3)]
        constness = rng.choice(["", "const ", "static ", "static const "])
        if "static" not in constness:
            constness += f"__attribute__((visibility(\"hidden\"))) "
        out.append(f"{'extern ' if self.cpp and constness.startswith('const') else ''}{constness.replace('const ', '')}int *{'const ' if 'const' in constness else ''}pointers{file}[] = {{ {', '.join(pointers)} }};")
        leaf = self.leaf()
        functions = [self.leaf() or "0" for _ in range(3)]
        out.append(f"static int (*functions[])(int) = {{ {', '.join(functions)} }};")
        out.append(
            f"static struct pair pairs[] = {{ {{ &{self.some_data()}, {leaf or '0'}, {rng.randint(0, 99)} }}, "
            f"{{ own, 0, 7 }} }};")
        if self.cpp:
            out.append('extern "C" {')
        out.append(f"static int local{file}(int x) {{ own[0] += x; return own[0] ^ x; }}")
        if rng.random() < 0.5:
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
        if self.cpp:
            out.append("}")
        return "\n".join(out) + "\n"

    def statement(self, file, rank):
        rng = self.rng
        lower = [name for name, _, other in self.functions if other < rank]
        data, leaf = self.some_data(), self.leaf()
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


COMPILERS = [("clang-19", "clang++-19", "wasm-ld-19"), ("clang", "clang++", "wasm-ld")]
LINKERS = ["wasm-ld-19", "wasm-ld", "wasm-ld-22"]


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
        self.c, self.cxx, self.ld = COMPILERS[1] if self.wide else rng.choice(COMPILERS)
        self.target = ["--target=" + ("wasm64" if self.wide else "wasm32")]
        self.flags = rng.choice([["-O0"], ["-O1"], ["-O2"], ["-Oz"], ["-O2", "-g"], ["-O2", "-ffunction-sections", "-fdata-sections"]])
        self.mode = ["-mwasm64"] if self.wide else []

    def path(self, name):
        return os.path.join(self.folder, name)

    def compile(self, file, pic):
        suffix = ".cpp" if self.program.cpp else ".c"
        source = self.path(f"file{file}{suffix}")
        with open(source, "w") as out:
            out.write(self.program.sources[file])
        output = self.path(f"file{file}{'.pic' if pic else ''}.o")
        extra = ["-fPIC", "-fvisibility=default"] if pic else []
        if self.program.cpp:
            extra += ["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"]
        run(self.cxx if self.program.cpp else self.c, *self.target, *self.flags, *extra, "-nostdlib", "-w", "-c", source,
            "-o", output)
        return output

    def objects(self):
        self.plain = [self.compile(file, False) for file in self.program.files]
        self.pic = {}

    def reference(self):
        output = self.path("reference.wasm")
        run(self.ld, *self.mode, "--no-entry", "--allow-undefined", *self.plain, "-o", output)
        return output

    def mix(self, number):
        """Files for solder: the order and the partition are random, file 0, which has the entry, stays an object."""
        rng = self.rng
        groups = {}
        for file in self.program.files:
            kind = rng.choice(["object", "object", "archive", "library", "library", "library"])
            if file == 0:
                kind = "object"
            groups.setdefault((kind, rng.randint(0, 2)) if kind != "object" else (kind, file), []).append(file)
        inputs = []
        for (kind, place), files in groups.items():
            if kind == "object":
                inputs += [self.plain[file] for file in files]
            elif kind == "archive":
                path = self.path(f"lib{number}_{place}.a")
                if os.path.exists(path):
                    os.remove(path)
                run("llvm-ar", "rcs", path, *[self.plain[file] for file in files])
                inputs.append(path)
            else:
                for file in files:
                    if file not in self.pic:
                        self.pic[file] = self.compile(file, True)
                path = self.path(f"lib{number}_{place}.so")
                extra = rng.choice([[], [], ["-Bsymbolic"], ["--strip-debug", "--compress-relocations"], ["-O2"]])
                run(self.ld, *self.mode, "-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic", *extra,
                    *[self.pic[file] for file in files], "-o", path)
                inputs.append(path)
        rng.shuffle(inputs)
        return inputs, groups

    def lift(self, inputs, solder, number):
        """The same with libraries as objects: one object each, or one for all in the place of the first."""
        libraries = [path for path in inputs if path.endswith(".so")]
        if not libraries:
            return inputs
        groups = [libraries] if self.rng.random() < 0.3 else [[path] for path in libraries]
        lifted = {}
        for position, group in enumerate(groups):
            output = self.path(f"lifted{number}_{position}.o")
            run(solder, "-r", *self.mode, *group, "-o", output)
            lifted[group[0]] = output
        return [lifted.get(path, path) for path in inputs if path in lifted or path not in libraries]

    def options(self):
        rng = self.rng
        options = [*self.mode, "--no-entry"]
        for choice in [["--no-gc-sections"], ["--strip-all"], ["-O2"], ["--strip-debug", "--compress-relocations"],
                       ["--no-stack-first"], ["-z", "stack-size=16384"], ["--export-table"], ["--growable-table"],
                       ["--no-stack-first", "--global-base=4096"], ["--initial-memory=1048576"], ["--export-all"], ["--no-merge-data-segments"],
                       ["--export-memory"], ["--threads=3"], ["--build-id"], ["--gc-sections"]]:
            if rng.random() < 0.12:
                options += choice
        # What is used only from archives is named, as for any linker.
        if "--stack-first" in options and "--global-base=4096" in options:
            options.remove("--global-base=4096")
        return options


def engine():
    config = wasmtime.Config()
    config.wasm_memory64 = True
    config.consume_fuel = True
    config.parallel_compilation = False
    return wasmtime.Engine(config)


def behaviour(engine, path, runs):
    """What calls of the exports give, one after the other."""
    store = wasmtime.Store(engine)
    store.set_fuel(FUEL)
    with open(path, "rb") as file:
        module = wasmtime.Module(engine, file.read())
    linker = wasmtime.Linker(engine)
    linker.define_unknown_imports_as_traps(module)
    exports = linker.instantiate(store, module).exports(store)
    exports["_initialize"](store)
    seen = []
    for number in range(CALLS_EACH):
        for name, _ in runs:
            try:
                seen.append(f"{name}({number * 5 + 1}) = {exports[name](store, number * 5 + 1)}")
            except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
                lines = [line for line in str(error).splitlines() if "trap:" in line]
                seen.append(f"{name}({number * 5 + 1}) fails: {lines[-1].split('trap:')[-1] if lines else error}")
    return seen


def judge(seed, wasm, solder, keep):
    rng = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="judge-c-")
    try:
        program = Program(rng)
        build = Build(rng, program, folder)
        build.objects()
        expected = behaviour(wasm, build.reference(), program.runs)
        for number in range(4):
            inputs, groups = build.mix(number)
            output = build.path("result.wasm")
            words = [solder, *build.options()]
            if number % 2:
                inputs = build.lift(inputs, solder, number)
                # wasm-ld 19 has 32-bit tables in 64-bit programs.
                linker = rng.choice([solder, build.ld] + ([] if build.wide else LINKERS))
                if linker != solder:
                    words = [linker, *build.mode, "--no-entry", "--allow-undefined"]
            # An archive gives only what is asked for: ask for the exported functions.
            words += [word for _, own in program.runs for word in ("-u", own)]
            # A library's exports are exported again where their name says that they are meant to be.
            words += [f"--export={own}" for run, own in program.runs if run == own]
            words += [*inputs, "-o", output]
            result = subprocess.run(words, capture_output=True, text=True, timeout=60)
            if result.returncode and number % 2 and "duplicate symbol" in result.stderr:
                # Libraries of -Bsymbolic do not say what is weak.
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
        out.write(f"{difference}\n\n{command}\n\nwasm-ld: {build.ld}; {flags}; groups: {groups}\n")


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
