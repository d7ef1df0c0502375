"""Links what each compiler and linker on this machine makes, in every form that it can make, and prints which forms work.

usage: producers.py [FORM [PRODUCER]]   (SOLDER: the linker; WASM_LD: a wasm-ld that links lifted objects)

Of all forms and producers, or of one form and those whose names match.

Each program is linked by solder, validated and run; `run` has to give the number that it gives when the same sources are
linked as objects of one compiler. A dash means that the tool cannot make the form, or this program does not ask for it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import wasmtime

from random_debug import Lines, complaints, difference_of_lines

SOLDER = os.environ["SOLDER"]
WASM_LD = os.environ.get("WASM_LD", "wasm-ld-22")

LIBRARY = """
int counter = 5;
static int numbers[4] = {1, 2, 3, 4};
int *const pointers[2] = {&numbers[1], &numbers[3]};
static int twice(int x) { return 2 * x; }
int thrice(int x) { return 3 * x; }
int (*const functions[2])(int) = {twice, thrice};
int apply(int which, int x) { return functions[which & 1](x) + *pointers[which & 1] + counter; }
"""
PROGRAM = """
int apply(int, int);
int thrice(int);
extern int counter;
int run(void) {
  int (*volatile f)(int) = thrice;
  counter += 2;
  return apply(0, 10) + apply(1, 3) + f(1);
}
"""
SMALL_PROGRAM = PROGRAM.replace("extern int counter;", "").replace("counter += 2;", "")
RESULT = 20 + 2 + 7 + 9 + 4 + 7 + 3

THREAD_LIBRARY = """
_Thread_local int mine = 7;
static _Thread_local int zero;
int next(void) { return mine++ + zero++; }
"""
THREAD_PROGRAM = """
extern _Thread_local int mine;
int next(void);
int run(void) { return next() + next() + mine; }
"""
THREAD_RESULT = 7 + 9 + 9

THROW_LIBRARY = "int number = 4;\nvoid raise(int x) { if (x) __builtin_wasm_throw(0, &number); }\n"
THROW_PROGRAM = """
extern "C" void raise(int);
extern "C" void *__cxa_begin_catch(void *) { return 0; }
extern "C" void __cxa_end_catch() {}
extern "C" int run() { try { raise(0); raise(1); } catch (...) { return 9; } return 1; }
"""

CXX_LIBRARY = """
template <class T> struct Box { T value; T plus(T x) const; };
template <class T> __attribute__((noinline)) T Box<T>::plus(T x) const {
  T sum = value;
  for (T i = 0; i < x; i++) sum += 1;
  return sum;
}
namespace deep { __attribute__((noinline)) inline int twice(int x) { return 2 * x; } }
static int numbers[4] = {1, 2, 3, 4};
extern "C" {
int counter = 5;
int thrice(int x) { return 3 * x; }
int apply(int which, int x) {
  Box<int> box{numbers[2 * (which & 1) + 1]};
  return (which & 1 ? thrice(x) : deep::twice(x)) + box.plus(counter);
}
}
"""
D_LIBRARY = """
extern (C):
__gshared int counter = 5;
__gshared int[4] numbers = [1, 2, 3, 4];
int twice(int x) { return 2 * x; }
int thrice(int x) { return 3 * x; }
alias F = extern (C) int function(int);
__gshared F[2] functions = [&twice, &thrice];
int apply(int which, int x) { return functions[which & 1](x) + numbers[2 * (which & 1) + 1] + counter; }
"""
RUST_LIBRARY = """
#![no_std]
#[panic_handler] fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
#[no_mangle] pub static mut counter: i32 = 5;
static NUMBERS: [i32; 4] = [1, 2, 3, 4];
#[no_mangle] pub static POINTERS: [&'static i32; 2] = [&NUMBERS[1], &NUMBERS[3]];
extern "C" fn twice(x: i32) -> i32 { 2 * x }
#[no_mangle] pub extern "C" fn thrice(x: i32) -> i32 { 3 * x }
#[no_mangle] pub static FUNCTIONS: [extern "C" fn(i32) -> i32; 2] = [twice, thrice];
#[no_mangle] pub unsafe extern "C" fn apply(which: i32, x: i32) -> i32 {
    FUNCTIONS[(which & 1) as usize](x) + *POINTERS[(which & 1) as usize] + counter
}
"""
ZIG_LIBRARY = """
export var counter: i32 = 5;
const numbers = [4]i32{ 1, 2, 3, 4 };
const pointers = [2]*const i32{ &numbers[1], &numbers[3] };
fn twice(x: i32) callconv(.c) i32 { return 2 * x; }
export fn thrice(x: i32) i32 { return 3 * x; }
const functions = [2]*const fn (i32) callconv(.c) i32{ twice, thrice };
export fn apply(which: i32, x: i32) i32 {
    const index: usize = @intCast(which & 1);
    return functions[index](x) + pointers[index].* + counter;
}
"""
SWIFT_LIBRARY = """
nonisolated(unsafe) private var functions: [2 of @convention(c) (Int32) -> Int32] = [{ 2 * $0 }, { 3 * $0 }]
@_cdecl("thrice") func thrice(_ x: Int32) -> Int32 { 3 * x }
@_cdecl("apply") func apply(_ which: Int32, _ x: Int32) -> Int32 {
  functions[Int(which & 1)](x) + (which & 1 == 0 ? 2 : 4) + 7
}
"""


class Unable(Exception):
    """The tool cannot make this."""


class Refused(Exception):
    """The linker says that it cannot link this."""


class Wrong(Exception):
    """The result is not what it should be."""


def make(command, folder):
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    if run.returncode:
        raise Unable((run.stderr or run.stdout).strip().splitlines()[-1:] or [f"{command[0]} fails"])


def write(folder, name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)
    return name


class Clang:
    """A clang with the wasm-ld of its release, or another's."""

    def __init__(self, compiler, linker, flags=()):
        self.compiler, self.linker, self.flags = compiler, linker, list(flags)

    def debug_variants(self):
        """Name and text of a source, and flags."""
        for source, text in (("library.c", LIBRARY), ("library.cc", CXX_LIBRARY)):
            for optimization in ("-O0", "-O2"):
                for version in ("-gdwarf-4", "-gdwarf-5"):
                    for more in ([], ["-gsplit-dwarf"], ["-fdebug-types-section"]):
                        yield source, text, ["-g", optimization, version, "-fno-exceptions", *more]

    def object(self, folder, name, text, *flags, wide=False):
        source = write(folder, name, text)
        # Older releases make position-independent code for this system alone, and thread-local data is found by the GOT there.
        system = "-unknown-emscripten" if "-fPIC" in flags else ""
        target = ("--target=wasm64" if wide else "--target=wasm32") + system
        make([*self.compiler, target, "-O1", "-c", *self.flags, *flags, source, "-o", name + ".o"], folder)
        return name + ".o"

    def library(self, folder, objects, *flags):
        make([*self.linker, "-shared", "--experimental-pic", *flags, *objects, "-o", "library.so"], folder)
        return "library.so"

    def module(self, folder, objects):
        make(
            [*self.linker, "--no-entry", "--export-dynamic", "--allow-undefined", "--export-if-defined=run",
             "--export-if-defined=apply", "--export-if-defined=thrice", *objects, "-o", "whole.wasm"], folder)
        return "whole.wasm"


def link(folder, words, linker=SOLDER):
    run = subprocess.run([linker, *words, "-o", "result.wasm"], cwd=folder, capture_output=True, text=True, timeout=600)
    if run.returncode:
        raise Refused(run.stderr.strip().splitlines()[0])


def expect(folder, value, imports=()):
    config = wasmtime.Config()
    for feature in ("wasm_threads", "wasm_memory64", "wasm_exceptions", "wasm_reference_types", "wasm_bulk_memory", "shared_memory"):
        setattr(config, feature, True)
    engine = wasmtime.Engine(config)
    module = wasmtime.Module.from_file(engine, os.path.join(folder, "result.wasm"))
    store = wasmtime.Store(engine)
    linker = wasmtime.Linker(engine)
    linker.define_unknown_imports_as_traps(module)
    unresolved = [entry.name for entry in module.imports if entry.module == "env" and entry.name not in imports]
    if unresolved:
        raise Wrong(f"imports {unresolved}")
    exports = linker.instantiate(store, module).exports(store)
    if "_initialize" in exports:
        exports["_initialize"](store)
    found = exports["run"](store)
    if found != value:
        raise Wrong(f"gives {found}, not {value}")


# Forms: each makes, links and runs.

def objects(tool, folder, reference):
    library = tool.object(folder, "library.c", LIBRARY)
    link(folder, ["--no-entry", "--export=run", tool.object(folder, "program.c", PROGRAM), library])
    expect(folder, RESULT)


def shared(tool, folder, reference):
    library = tool.library(folder, [tool.object(folder, "library.c", LIBRARY, "-fPIC", "-fvisibility=default")])
    link(folder, ["--no-entry", "--export=run", library, reference.object(folder, "program.c", PROGRAM)])
    expect(folder, RESULT)
    link(folder, ["--no-entry", "--export=run", reference.object(folder, "program.c", PROGRAM), library])
    expect(folder, RESULT)


def plain(tool, folder, reference):
    """A whole program, with a library of another compiler that it imports from; or a whole module that a library calls."""
    if isinstance(tool, Native):
        module = tool.module(folder, [tool.object(folder, "library.c", LIBRARY)])
        program = reference.object(
            folder, "program.c", SMALL_PROGRAM, "-fPIC",
            "-fvisibility=default")
        link(folder, ["--heap-base=131072", "--no-entry", "--export=run", module, reference.library(
            folder, [program], "--unresolved-symbols=import-dynamic")])
        # Swift's own run-time functions are the host's.
        own = ("posix_memalign", "free", "__stack_chk_fail")
        return expect(folder, RESULT - (0 if "counter" not in tool.text else 4), own)
    program = tool.object(folder, "program.c", SMALL_PROGRAM)
    library = reference.library(
        folder, [reference.object(folder, "library.c", LIBRARY, "-fPIC", "-fvisibility=default")])
    link(folder, ["--heap-base=131072", tool.module(folder, [program]), library])
    expect(folder, RESULT - 4)


def lifted(tool, folder, reference):
    library = tool.library(folder, [tool.object(folder, "library.c", LIBRARY, "-fPIC", "-fvisibility=default")])
    link(folder, ["-r", library])
    os.rename(os.path.join(folder, "result.wasm"), os.path.join(folder, "lifted.o"))
    link(folder, ["--no-entry", "--export=run", reference.object(folder, "program.c", PROGRAM), "lifted.o"], WASM_LD)
    expect(folder, RESULT)


def threads(tool, folder, reference):
    flags = ["-matomics", "-mbulk-memory"]
    library = tool.library(
        folder, [tool.object(folder, "library.c", THREAD_LIBRARY, "-fPIC", "-fvisibility=default", *flags)],
        "--shared-memory")
    program = reference.object(folder, "program.c", THREAD_PROGRAM, "-fPIC", *flags)
    link(folder, ["--no-entry", "--export=run", "--shared-memory", "--max-memory=1048576", program, library])
    expect(folder, THREAD_RESULT)


def exceptions(tool, folder, reference):
    flags = ["-fwasm-exceptions", "-fPIC", "-fvisibility=default"]
    library = tool.library(
        folder, [tool.object(folder, "library.c", THROW_LIBRARY, "-mexception-handling", *flags)],
        "--unresolved-symbols=import-dynamic")
    # The engine takes only the instructions of the finished proposal, which LLVM 19 does not make yet.
    toolchain = Clang([os.path.join(os.path.dirname(shutil.which("swift")), "clang")], [])
    program = toolchain.object(
        folder, "program.cc", THROW_PROGRAM, "-fwasm-exceptions", "-mllvm", "-wasm-use-legacy-eh=false")
    link(folder, ["--no-entry", "--export=run", program, library])
    expect(folder, 9)


def wide(tool, folder, reference):
    library = tool.library(
        folder, [tool.object(folder, "library.c", LIBRARY, "-fPIC", "-fvisibility=default", wide=True)], "-mwasm64")
    link(folder, ["-mwasm64", "--no-entry", "--export=run", library,
                  reference.object(folder, "program.c", PROGRAM, wide=True)])
    expect(folder, RESULT)


def debug(tool, folder, reference):
    """Debug information in each form that the compiler has: what verifies still does, and no function's lines are lost."""
    if isinstance(tool, Native) and tool.pic is None:
        return debug_of_module(tool, folder, reference)
    compared = 0
    for variant in tool.debug_variants():
        for name in os.listdir(folder):
            os.remove(os.path.join(folder, name))
        source, text, flags = variant
        try:
            compiled = tool.object(folder, source, text, *flags, "-fPIC", "-fvisibility=default")
            library = tool.library(folder, [compiled])
        except Unable:
            # Older releases lack some; wasm-opt and emscripten's tools read DWARF up to 4.
            continue
        program = reference.object(folder, "program.c", PROGRAM, "-g")
        for options in ([], ["-O2", "--icf=all"], ["--no-gc-sections"]):
            link(folder, ["--no-entry", "--export=run", library, program, *options])
            expect(folder, RESULT)
            compared += same_lines(folder, library, [program], f"{' '.join(flags)} {' '.join(options)}")
    if not compared:
        raise Unable("no debug information")
    return f"{compared} lines"


def debug_of_module(tool, folder, reference):
    """The same of a language that makes a whole module."""
    compared = 0
    for flags in tool.debugged:
        module = tool.module(folder, [tool.object(folder, "library.c", LIBRARY, *flags)])
        program = reference.object(folder, "program.c", SMALL_PROGRAM, "-g", "-fPIC", "-fvisibility=default")
        library = reference.library(folder, [program], "--unresolved-symbols=import-dynamic")
        link(folder, ["--heap-base=131072", "--no-entry", "--export=run", module, library])
        # Its run-time functions are the host's.
        own = [entry.name for entry in wasmtime.Module.from_file(wasmtime.Engine(), os.path.join(folder, module)).imports]
        expect(folder, RESULT - (0 if "counter" not in tool.text else 4), own)
        compared += same_lines(folder, module, [library], " ".join(flags))
    return f"{compared} lines"


def same_lines(folder, library, others, what):
    """How many lines of a library are in the result as they were."""
    library, result, *others = (os.path.join(folder, name) for name in [library, "result.wasm", *others])
    new = complaints(result).difference(complaints(library), *map(complaints, others))
    after = Lines(result)
    wrong = "; ".join(sorted(new)) or after.astray()
    compared = 0
    if not wrong:
        wrong, compared = difference_of_lines(os.path.basename(library), Lines(library).runs(), after.runs())
    if wrong or not compared:
        raise Wrong(f"{what}: {wrong or 'debug information is lost'}")
    return compared


FORMS = {
    "objects": objects, "library": shared, "whole module": plain, "lifted by `-r`": lifted, "threads": threads,
    "exceptions": exceptions, "wasm64": wide, "debug information": debug,
}


class Native(Clang):
    """A language other than C: its library, and a program in C."""

    def __init__(self, compiler, linker, ending, text, pic, debugged):
        super().__init__(compiler, linker)
        self.ending, self.text, self.pic = ending, text, pic
        # Rows of flags, each with debug information.
        self.debugged = debugged

    def debug_variants(self):
        return [("library" + self.ending, LIBRARY, ["-g", *flags]) for flags in self.debugged]

    def object(self, folder, name, text, *flags, wide=False):
        if wide or text != LIBRARY and "apply" not in text:
            raise Unable("not made")
        if text != LIBRARY:
            # Where the library has no variable of this name.
            return reference.object(folder, name, text + ("" if "counter" in self.text else "int counter;"), *flags)
        if "-fPIC" in flags and self.pic is None:
            raise Unable("not made")
        source = write(folder, "library" + self.ending, self.text)
        debug = max((row for row in self.debugged if set(row) <= set(flags)), key=len, default=[])
        make([*self.compiler, *(self.pic if "-fPIC" in flags else []), *debug, source], folder)
        return next(name for name in ("library.o", "library.c.o", "library.wasm.o")
                    if os.path.exists(os.path.join(folder, name)))


class Emscripten(Clang):
    def object(self, folder, name, text, *flags, wide=False):
        if wide:
            raise Unable("not made")
        make(["emcc", "-O1", "-c", *flags, write(folder, name, text), "-o", name + ".o"], folder)
        return name + ".o"

    def library(self, folder, objects, *flags):
        make(["emcc", "-O1", "-sSIDE_MODULE=1", "-g", *objects, "-o", "library.wasm"], folder)
        return "library.wasm"

    def module(self, folder, objects):
        make(["emcc", "-O1", "--no-entry", "-sERROR_ON_UNDEFINED_SYMBOLS=0", "-sEXPORTED_FUNCTIONS=_run",
              "-sSTANDALONE_WASM", *objects, "-o", "whole.wasm"], folder)
        return "whole.wasm"


class Optimized(Clang):
    """What `wasm-opt` makes of the libraries and modules of another."""

    def __init__(self, tool):
        self.tool = tool

    def object(self, *arguments, **flags):
        return self.tool.object(*arguments, **flags)

    def _optimize(self, folder, file):
        make(["wasm-opt", "-O2", "--all-features", "-g", file, "-o", "optimized.wasm"], folder)
        return "optimized.wasm"

    def library(self, folder, objects, *flags):
        return self._optimize(folder, self.tool.library(folder, objects, *flags))

    def module(self, folder, objects):
        return self._optimize(folder, self.tool.module(folder, objects))


def version(*command):
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except OSError:
        return None
    words = (run.stdout + run.stderr).translate(str.maketrans("():", "   ")).split()
    return next((word.split("-")[0] for word in words if word[0].isdigit()), None)


def tools(toolchain):
    for release in range(13, 25):
        compiler, linker = f"clang-{release}", f"wasm-ld-{release}"
        if shutil.which(linker):
            own = bool(shutil.which(compiler))
            name = f"LLVM {version(linker, '--version') or release}" + ("" if own else " (objects of clang 19)")
            yield name, Clang([compiler if own else "clang-19"], [linker])
    swift = os.path.join(toolchain, "clang")
    if os.path.exists(swift):
        yield f"Swift's LLVM {version(swift, '--version')}", Clang([swift], [os.path.join(toolchain, "wasm-ld")])
        flags = ["-target", "wasm32-unknown-none-wasm", "-enable-experimental-feature", "Embedded", "-wmo", "-O",
                 "-parse-as-library", "-module-name", "library", "-c", "-o", "library.o"]
        yield f"Swift {version(os.path.join(toolchain, 'swiftc'), '--version')} (Embedded)", Native(
            [os.path.join(toolchain, "swiftc"), *flags], ["wasm-ld-19"], ".swift", SWIFT_LIBRARY, None,
            [["-g"], ["-g", "-Onone"]])
    zig = os.environ.get("ZIG") or shutil.which("zig")
    if zig:
        yield f"`zig cc` {version(zig, 'version')}", Zig(zig)
        yield f"Zig {version(zig, 'version')}", Native(
            [zig, "build-obj", "-target", "wasm32-freestanding", "-OReleaseSmall", "-fllvm"],
            [zig, "wasm-ld"], ".zig", ZIG_LIBRARY, ["-fPIC"], [["-ODebug"], ["-OReleaseFast", "-fno-strip"], ["-OReleaseSmall", "-fno-strip"]])
    rustc = "/usr/bin/rustc"
    if os.path.exists(rustc):
        yield f"Rust {version(rustc, '--version')}", Native(
            [rustc, "--target=wasm32-unknown-unknown", "--crate-type=lib", "--emit=obj", "-O", "-o", "library.o"],
            ["wasm-ld-19"], ".rs", RUST_LIBRARY, None, [["-g"], ["-g", "-Copt-level=0"]])
    if shutil.which("ldc2"):
        yield f"LDC {version('ldc2', '--version')}", Native(
            ["ldc2", "-mtriple=wasm32-unknown-emscripten", "-betterC", "-O1", "-c", "-of=library.o"], ["wasm-ld-19"],
            ".d", D_LIBRARY, ["-relocation-model=pic"], [["-g", "-O0"], ["-g", "-O2"]])
    if shutil.which("emcc"):
        yield f"emscripten {version('emcc', '--version')}", Emscripten([], [])
    if shutil.which("wasm-opt"):
        yield f"LLVM 19, then `wasm-opt` {version('wasm-opt', '--version')}", Optimized(reference)


class Zig(Clang):
    def __init__(self, zig):
        super().__init__([zig, "cc"], [zig, "wasm-ld"])

    def object(self, folder, name, text, *flags, wide=False):
        source = write(folder, name, text)
        target = "wasm64-freestanding" if wide else "wasm32-freestanding"
        make([*self.compiler, "-target", target, "-O1", "-c", "-fno-sanitize=all", *flags, source, "-o", name + ".o"], folder)
        return name + ".o"


reference = Clang(["clang-19"], ["wasm-ld-19"])


def main():
    toolchain = os.path.dirname(shutil.which("swift") or "")
    forms = {form: FORMS[form] for form in sys.argv[1:2]} or FORMS
    found = [(name, tool) for name, tool in tools(toolchain) if not sys.argv[2:] or re.search(sys.argv[2], name)]
    failed = not found
    print("| producer | " + " | ".join(forms) + " |\n" + "|---" * (len(forms) + 1) + "|")
    notes = []
    for name, tool in found:
        cells = []
        for form, check in forms.items():
            folder = tempfile.mkdtemp()
            try:
                cells.append(check(tool, folder, reference) or "yes")
            except Unable as reason:
                cells.append("–")
                notes.append(f"{name}, {form}: not made: {reason}")
            except Refused as reason:
                cells.append("refused")
                notes.append(f"{name}, {form}: {reason}")
            except (Wrong, wasmtime.WasmtimeError, wasmtime.Trap) as reason:
                cells.append("**no**")
                failed = True
                notes.append(f"{name}, {form}: {str(reason).splitlines()[0]}")
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print("\n".join(notes), file=sys.stderr)
    sys.exit(failed)


main()
