"""Random functions of a library around its bases, and what the linker makes of them.

  random_folding.py COUNT [SEED [FOLDER]]    SOLDER names the linker; differences are written to FOLDER

A library of eight functions is written twice: one reads `__memory_base`, `__table_base` and the global offset table where it
computes with them, the other gets them from functions, so that nothing is known of them. Programs of both, with the options by
which code is folded, and by way of an object that solder and wasm-ld link, have to compute the same. Code has what folding meets:
values that wait on the stack, locals, blocks with values, branches by table, handlers, code that is never reached, choices,
indices that are small or not, vectors, atomic accesses, `memory.copy` and `memory.fill`, pointers to functions, both widths.
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
FUNCTIONS = 8
ARGUMENTS = (0, 1, 6)
# What code reads, and the global that it is read from.
BASES = {"BASE": "$mb", "TB": "$tb", "CONSTANT": "$constant", "THEIRS": "$theirs", "OURS": "$ours", "PUBLIC": "$public",
         "MAIN": "$main"}
# Functions' pointers are in data here, where nothing else reads or writes.
POINTERS = 8000

MAIN = """
char theirs[64] = {1, 2, 3, 4, 5, 6, 7};
NUMBER main_function(NUMBER x) { return x * 7 + 1; }
extern char ours[];
__attribute__((export_name("where"))) int where(void) { return (int)(long)ours; }
"""


class Functions:
    """Instructions, one after the other; each method gives those that leave one value of the type T, or none."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.is_wide = self.rng.random() < 0.4
        self.type = "i64" if self.is_wide else "i32"
        self.count = self.rng.choice([3, 4, 6, 10, 140])
        self.locals = [0, *range(1, 1 + min(self.count, 6))] + ([self.count] if self.count > 6 else [])
        self.catches, self.has_vectors, self.is_atomic, self.has_slots, self.orders_slots, self.is_flat = (
            self.rng.random() < chance for chance in (0.5, 0.4, 0.3, 0.6, 0.4, 0.3))
        # Two slots, an index, a condition, a vector, a table of numbers, the base of slots.
        first = self.count + 1
        self.slots = [first, first + 1]
        self.index_local, self.condition, self.vector, self.table, self.slot_base = range(first + 2, first + 7)

    def one_of(self, *choices):
        choice = self.rng.choice(choices)
        return choice() if callable(choice) else choice

    def local(self):
        return self.rng.choice(self.locals)

    def const(self, number):
        return f"T.const {number} "

    def small(self):
        return self.one_of(0, 1, 4, 8, 12, 16, 24, 60, lambda: self.rng.randrange(256))

    def number(self):
        return self.one_of(
            lambda: self.rng.randrange(80), lambda: -self.rng.randrange(20), lambda: self.rng.randrange(100000),
            lambda: -self.rng.randrange(100000), 0x7FFFFFFF, -0x80000000, 65536)

    def base(self):
        return self.one_of("BASE ", "BASE ", "BASE ", "BASE ", "CONSTANT ", "THEIRS ", "OURS ")

    def address(self, depth):
        def choice():
            return self.const(self.number()) + self.const(self.number()) + self.truth(depth) + "select T.add "
        return self.one_of(
            self.base, self.base,
            lambda: self.base() + self.const(self.small()) + "T.add ",
            lambda: self.base() + self.const(self.small()) + "T.add ",
            lambda: self.const(self.small()) + self.base() + "T.add ",
            lambda: self.base() + self.const(-self.small()) + "T.sub ",
            lambda: self.base() + self.const(self.number()) + "T.add " + self.const(self.number()) + "T.sub ",
            lambda: f"local.get {self.local()} " + self.const(self.small()) + "T.add ",
            lambda: self.base() + f"local.tee {self.local()} " + self.const(self.small()) + "T.add ",
            lambda: self.base() + self.const(self.small()) + f"T.add local.tee {self.local()} ",
            lambda: self.const(self.small()) + self.base() + self.const(self.small()) + "T.add T.add ",
            lambda: self.const(self.small()) + self.base() + f"local.tee {self.local()} T.add ",
            lambda: self.base() + choice(), lambda: f"local.get {self.local()} " + choice(),
            lambda: self.base() + f"local.tee {self.local()} " + choice(),
            lambda: self.base() + self.base() + self.truth(depth) + "select ",
            lambda: self.base() + self.const(self.small()) + "T.add " + self.base() + self.truth(depth) + "select ")

    def index(self, depth):
        if depth > 4:
            return self.one_of(lambda: self.const(self.one_of(0, 4, 8, 12)), f"local.get {self.index_local} ")
        depth += 1
        widen, narrow = ("i64.extend_i32_u ", "i32.wrap_i64 ") if self.is_wide else ("", "")
        there = "i32.wrap_i64 i64.extend_i32_u " if self.is_wide else "i64.extend_i32_u i32.wrap_i64 "
        return self.one_of(
            f"local.get {self.index_local} ", f"local.get {self.index_local} ",
            lambda: self.const(self.one_of(0, 4, 8, 12, -4, -8)),
            lambda: self.value(depth) + self.const(self.one_of(1, 3, 12, 15, 28)) + "T.and ",
            lambda: self.base() + self.value(depth) + self.const(15) + "T.and T.add T.load8_u "
            + self.const(2) + "T.shl " + self.const(60) + "T.and ",
            lambda: self.index(depth) + f"local.tee {self.index_local} ",
            lambda: self.index(depth) + self.index(depth) + self.truth(depth) + "select ",
            lambda: self.value(depth) + self.const(60 if self.is_wide else 28) + "T.shr_u ",
            lambda: self.truth(depth) + widen + self.const(2) + "T.shl ",
            lambda: self.index(depth) + self.const(1) + "T.shl ", lambda: self.index(depth) + self.const(4) + "T.add ",
            lambda: self.value(depth) + self.const(16) + "T.rem_u ",
            lambda: self.index(depth) + self.const(3) + "T.mul " + self.const(31) + "T.and ",
            lambda: self.value(depth) + "T.popcnt ", lambda: self.value(depth) + "T.clz ",
            lambda: self.value(depth) + there + self.const(15) + "T.and ",
            lambda: self.value(depth) + self.const(12) + "T.or " + self.const(28) + "T.and ")

    def place(self, depth):
        table = f"local.get {self.table} "
        base = self.one_of(
            self.base, lambda: self.base() + self.const(self.small()) + "T.add ", table, table,
            lambda: table + self.const(self.small() & 31) + "T.add ",
            lambda: self.base() + self.const(8) + f"T.add local.tee {self.table} ")
        index = self.index(depth + 1)
        return self.one_of(
            base + index + "T.add ", base + index + "T.add ", index + base + "T.add ", base + index + "T.sub ",
            lambda: base + index + "T.add " + self.const(self.small() & 31) + "T.add ", base)

    def load(self, depth):
        offset = self.one_of("", "", lambda: f"offset={self.small()} ", lambda: f"offset={self.rng.randrange(3000)} ")
        if self.is_atomic and self.rng.random() < 0.2:
            return self.place(depth) + "T.atomic.load8_u "
        if self.has_vectors and self.rng.random() < 0.25:
            lane = "i32x4.extract_lane 1 " + ("i64.extend_i32_u " if self.is_wide else "")
            return self.one_of(
                lambda: self.place(depth) + self.one_of("v128.load ", "v128.load32_splat ", "v128.load8x8_u ") + offset + lane,
                lambda: self.place(depth) + f"local.get {self.vector} " + self.one_of("v128.load32_lane ", "v128.load8_lane ")
                + offset + f"1 local.tee {self.vector} " + lane)
        kinds = ["load", "load8_u", "load16_s", "load8_s", "load16_u"] + (["load32_u", "load32_s"] if self.is_wide else [])
        return self.place(depth) + f"T.{self.one_of(*kinds)} {offset}"

    def slot(self, depth):
        def number():
            return self.const(self.rng.randrange(4))
        choices = [
            "TB ", lambda: "TB " + number() + "T.add ", lambda: "TB " + number() + "T.add ", f"local.get {self.slots[0]} ",
            f"local.get {self.slots[1]} ", "PUBLIC ", "MAIN ", lambda: number() + "TB T.add "]
        if depth < 4:
            depth += 1
            choices += [
                lambda: self.slot(depth) + self.slot(depth) + self.truth(depth) + "select ",
                lambda: self.slot(depth) + f"local.tee {self.one_of(*self.slots)} ",
                lambda: self.truth(depth) + "if (result T) " + self.slot(depth) + "else " + self.slot(depth) + "end ",
                lambda: "TB " + number() + number() + self.truth(depth) + "select T.add ",
                lambda: "block (result T) " + self.slot(depth) + self.truth(depth) + "br_if 0 drop " + self.slot(depth) + "end ",
                lambda: f"TB local.tee {self.slot_base} " + number() + "T.add ",
                lambda: f"local.get {self.slot_base} " + number() + "T.add ",
                lambda: self.base() + f"drop BASE T.load offset={POINTERS + self.one_of(0, 8)} "]
        if self.orders_slots:
            choices += [lambda: "TB " + self.value(depth) + self.const(3) + "T.and T.add "]
        return self.one_of(*choices)

    def truth(self, depth):
        if depth > 5:
            return self.one_of("i32.const 1 ", "i32.const 0 ", f"local.get {self.condition} ")
        depth += 1
        narrow = "i32.wrap_i64 " if self.is_wide else ""
        return self.one_of(
            lambda: self.value(depth) + self.const(1) + "T.and " + narrow,
            lambda: f"local.get {self.local()} " + self.const(1) + "T.and " + narrow, f"local.get {self.condition} ",
            lambda: self.value(depth) + self.value(depth) + self.one_of("T.eq ", "T.ne ", "T.lt_u ", "T.gt_s "),
            lambda: self.value(depth) + "T.eqz ")

    def value(self, depth=0):
        if depth > 5:
            return self.one_of(
                f"local.get {self.local()} ", lambda: self.const(self.rng.randrange(99)), "BASE ", lambda: self.address(9))
        depth += 1
        there = "i32.wrap_i64 i64.extend_i32_s " if self.is_wide else "i64.extend_i32_u i32.wrap_i64 "

        def local():
            return f"local.set {self.local()} "

        choices = [lambda: self.address(depth)] * 4 + [
            lambda: f"local.get {self.local()} ", lambda: self.const(self.number()), lambda: self.load(depth),
            lambda: self.address(depth) + f"local.tee {self.local()} ", lambda: self.value(depth) + f"local.tee {self.local()} ",
            lambda: self.value(depth) + self.value(depth)
            + self.one_of("T.add ", "T.sub ", "T.mul ", "T.xor ", "T.and ", "T.shl ", "T.or "),
            lambda: self.value(depth) + self.value(depth) + self.truth(depth) + "select ",
            lambda: self.address(depth) + self.address(depth) + "T.sub ", lambda: self.value(depth) + "call $same ",
            lambda: "i32.const 3 " + self.value(depth) + f"global.set $variable local.set {self.condition} global.get $variable ",
            lambda: self.value(depth) + there, lambda: self.value(depth) + self.value(depth) + "call $swap " + local(),
            lambda: self.value(depth) + self.value(depth) + local() + local() + f"local.get {self.local()} "]
        if self.has_slots:
            choices += [lambda: self.value(depth) + self.slot(depth) + "call_indirect (type $unary) "] * 2
        if not self.is_flat:
            choices += [
                lambda: self.truth(depth) + "if (result T) " + self.statement(depth) + self.value(depth) + "else "
                + self.value(depth) + "end ",
                lambda: "block (result T) " + self.value(depth) + self.truth(depth) + "br_if 0 drop " + self.value(depth) + "end ",
                lambda: self.value(depth) + self.value(depth) + "block (param T T) (result T) " + local()
                + self.statement(depth) + "end ",
                lambda: self.value(depth) + f"block (param T) (result T) local.tee {self.local()} " + self.truth(depth)
                + "br_if 0 " + self.const(3) + "T.add end ",
                lambda: "block (result T) block (result T) " + self.value(depth) + self.truth(depth) + "br_table 0 1 0 end "
                + local() + self.value(depth) + "end ",
                lambda: "block (result T) " + self.value(depth) + "br 0 "
                + self.one_of("", "T.add drop ", f"drop local.get {self.local()} ", "T.load ", "unreachable ") + "end ",
                lambda: self.value(depth) + "loop (param T) (result T) " + local() + "call $burn " + self.statement(depth)
                + self.value(depth) + self.truth(depth) + "br_if 0 end "]
            if self.catches:
                choices += [
                    lambda: "block (result T) try_table (result T) (catch $e 0) " + self.statement(depth) + self.value(depth)
                    + self.truth(depth) + "if (param T) (result T) throw $e end end end ",
                    lambda: "block try_table (catch_all 0) " + self.value(depth) + local() + self.truth(depth) + "if "
                    + self.value(depth) + "throw $e end " + self.statement(depth) + "end end " + self.value(depth)]
        return self.one_of(*choices)

    def changed(self, depth):
        """An address that may be written to: between the numbers that are read, and the pointers."""
        base = self.one_of("BASE " + self.const(96) + "T.add ", self.const(96) + "BASE T.add ")
        return base + self.index(depth) + self.const(self.one_of(15, 28, 63)) + "T.and T.add "

    def store(self, depth):
        offset = self.one_of("", "", lambda: f"offset={self.small()} ")
        kinds = ["T.store", "T.store8", "T.store16"] + (["i64.store32"] if self.is_wide else [])
        if self.has_vectors and self.rng.random() < 0.2:
            return self.changed(depth) + f"local.get {self.vector} v128.store {offset}"
        return self.changed(depth) + self.value(depth) + f"{self.one_of(*kinds)} {offset}"

    def statement(self, depth=0):
        depth += 1
        choices = [lambda: self.address(depth) + f"local.set {self.local()} "] * 3 + [
            lambda: self.value(depth) + f"local.set {self.local()} ", lambda: self.value(depth) + "call $note ",
            lambda: self.value(depth) + "call $note ", lambda: self.index(depth) + f"local.set {self.index_local} ",
            lambda: self.base() + self.const(8) + f"T.add local.set {self.table} ", lambda: self.store(depth),
            lambda: self.store(depth), lambda: self.address(depth) + "drop ", "nop ",
            lambda: self.truth(depth) + f"local.set {self.condition} ",
            lambda: f"local.get {self.local()} " + self.const(self.small()) + f"T.add local.set {self.local()} ",
            lambda: self.changed(depth) + self.base() + self.const(self.one_of(0, 1, 4, 16)) + "memory.copy ",
            lambda: self.changed(depth) + "i32.const 7 " + self.const(self.one_of(0, 4, 9)) + "memory.fill "]
        if self.has_slots:
            choices += [lambda: self.slot(depth) + f"local.set {self.one_of(*self.slots)} "] * 2
        if depth < 5 and not self.is_flat:
            choices += [
                lambda: "block " + self.statements(depth) + self.truth(depth) + "br_if 0 " + self.statements(depth) + "end ",
                lambda: self.truth(depth) + "if " + self.statements(depth) + "else " + self.statements(depth) + "end ",
                lambda: "loop call $burn " + self.statements(depth) + self.truth(depth) + "br_if 0 " + self.statements(depth) + "end ",
                lambda: "block loop call $burn " + self.statements(depth) + self.truth(depth) + "br_if 1 br 0 end end ",
                lambda: "block block block " + self.truth(depth) + "br_table 0 1 2 0 end " + self.statements(depth) + "end "
                + self.statements(depth) + "end ",
                lambda: self.truth(depth) + "if " + self.statements(depth) + self.value(depth) + "return end ",
                lambda: "block " + self.statements(depth) + "br 0 "
                + self.one_of("", f"BASE local.set {self.local()} ", "unreachable ", "T.add drop ") + "end "]
            if self.catches:
                choices += [
                    lambda: "block (result T) try_table (catch $e 0) " + self.statements(depth) + self.truth(depth) + "if "
                    + self.value(depth) + "throw $e end " + self.statements(depth) + "end " + self.value(depth)
                    + f"end local.set {self.local()} "]
        return self.one_of(*choices)

    def statements(self, depth):
        return "".join(self.statement(depth) for _ in range(self.rng.choice([0, 1, 1, 2, 3])))

    def function(self, number):
        begin = f"i32.const {self.one_of(5, 20)} global.set $fuel T.const 1 global.set $h BASE T.const 8 T.add local.set {self.table} "
        if self.has_slots:
            begin += f"TB local.set {self.slots[0]} TB T.const 1 T.add local.set {self.slots[1]} TB local.set {self.slot_base} "
        body = "".join(self.statement() for _ in range(self.one_of(1, 2, 4, 8, 20)))
        notes = "".join(f"local.get {local} call $note " for local in self.locals[:6])
        return (f"(func $f{number} (param T) (result T) (local {'T ' * self.count} T T T i32 v128 T T) {begin} {body} {notes} "
                f"{self.value(2)} global.get $h T.add)")

    def library(self, functions, is_hidden):
        """The text of the library; `is_hidden` says whether bases come from functions."""
        def read(match):
            return f"call $get_{match[0]}" if is_hidden else f"global.get {BASES[match[0]]}"
        memory = "i64 " if self.is_wide else ""
        code = re.sub(rf"\b({'|'.join(BASES)})\b", read, "\n".join(functions))
        hidden = "".join(f"(func $get_{name} (result T) (global.get {value}))" for name, value in BASES.items())
        exports = "".join(
            f'(func (export "f{number}") (param i32) (result i32) '
            + (f"(i32.wrap_i64 (call $f{number} (i64.extend_i32_u (local.get 0)))))" if self.is_wide
               else f"(call $f{number} (local.get 0)))") for number in range(FUNCTIONS))
        data = "".join(f"\\{number * 37 % 251:02x}" for number in range(160))
        text = f"""(module (@dylink.0 (mem-info (memory 8100 4) (table 4 0)))
  (import "env" "memory" (memory {memory}0)) (import "env" "__indirect_function_table" (table {memory}0 funcref))
  (import "env" "__memory_base" (global $mb T)) (import "env" "__table_base" (global $tb T))
  (import "GOT.mem" "theirs" (global $theirs (mut T))) (import "GOT.mem" "ours" (global $ours (mut T)))
  (import "GOT.func" "public" (global $public (mut T))) (import "GOT.func" "main_function" (global $main (mut T)))
  (type $unary (func (param T) (result T))) (tag $e (param T)) (global $constant T (global.get $mb))
  (global $variable (mut T) (T.const 5)) (global $fuel (mut i32) (i32.const 0)) (global $h (mut T) (T.const 0))
  (global (export "ours") T (T.const 16)) (data (global.get $mb) "{data}")
  (elem (offset (global.get $tb)) func $zero $one $two $three)
  (func (export "__wasm_apply_data_relocs")
    (T.store offset={POINTERS} (global.get $mb) (T.add (global.get $tb) (T.const 2)))
    (T.store offset={POINTERS + 8} (global.get $mb) (global.get $public)))
  (func $zero (type $unary) (T.mul (local.get 0) (T.const 3))) (func $one (type $unary) (T.add (local.get 0) (T.const 3)))
  (func $two (type $unary) (T.xor (local.get 0) (T.const 77))) (func $three (type $unary) (T.shl (local.get 0) (T.const 3)))
  (func (export "public") (type $unary) (T.sub (local.get 0) (T.const 1000)))
  (func $same (type $unary) (local.get 0)) (func $swap (param T T) (result T T) (local.get 1) (local.get 0))
  (func $note (param T) (global.set $h (T.add (T.mul (global.get $h) (T.const 31)) (local.get 0))))
  (func $burn (if (i32.eqz (global.get $fuel)) (then unreachable)) (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1))))
  {hidden if is_hidden else ""} {code} {exports})"""
        return re.sub(r"\bT\b", self.type, text)


def engine():
    config = wasmtime.Config()
    for feature in ("wasm_memory64", "wasm_threads", "wasm_exceptions", "wasm_simd", "consume_fuel"):
        setattr(config, feature, True)
    config.cranelift_opt_level = "none"
    return wasmtime.Engine(config)


def behaviour(engine, path):
    """Where the library's data is, and what calls give."""
    store = wasmtime.Store(engine)
    store.set_fuel(FUEL)
    exports = wasmtime.Linker(engine).instantiate(store, wasmtime.Module.from_file(engine, path)).exports(store)
    seen = []
    for number in range(FUNCTIONS):
        for argument in ARGUMENTS:
            try:
                seen.append(f"f{number}({argument}) = {exports[f'f{number}'](store, argument)}")
            except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
                seen.append(f"f{number}({argument}) fails: {str(error).strip().splitlines()[-1][-60:]}")
    return exports["where"](store), seen


def judge(seed, wasm, solder, folder):
    """What differs, if anything does."""
    functions = Functions(seed)
    mode = ["-mwasm64"] if functions.is_wide else []
    exports = [f"--export=f{number}" for number in range(FUNCTIONS)]
    main = os.path.join(folder, "main.c")
    with open(main, "w") as out:
        out.write(MAIN.replace("NUMBER", "long long" if functions.is_wide else "int"))
    subprocess.run(["clang", "--target=wasm64" if functions.is_wide else "--target=wasm32", "-O1", "-matomics", "-mbulk-memory",
                    "-nostdlib", "-c", main, "-o", main + ".o"], check=True)
    code = [functions.function(number) for number in range(FUNCTIONS)]
    libraries = []
    for is_hidden in (True, False):
        libraries.append(os.path.join(folder, "libhidden.so" if is_hidden else "libplain.so"))
        text = functions.library(code, is_hidden)
        with open(libraries[-1] + ".wat", "w") as out:
            out.write(text)
        with open(libraries[-1], "wb") as out:
            out.write(wasmtime.wat2wasm(text))
    links = [(solder, [], library) for library in libraries]
    links += [(solder, ["-O2"], libraries[1]), (solder, ["-O0", "--no-gc-sections"], libraries[1]),
              (solder, ["-O2", "--compress-relocations", "--strip-all", "--icf=all"], libraries[1])]
    lifted = os.path.join(folder, "lifted.o")
    result = subprocess.run([solder, "-r", *mode, libraries[1], "-o", lifted], capture_output=True, text=True)
    if result.returncode == 0:
        links += [(solder, [], lifted), ("wasm-ld", [], lifted), (solder, ["-O2", "--compress-relocations", "--strip-all"], lifted)]
    elif "cannot be written as an object" not in result.stderr:
        return result.stderr
    expected = None
    for linker, options, library in links:
        output = os.path.join(folder, "result.wasm")
        words = [linker, *mode, "--no-entry", *exports, *options, main + ".o", library, "-o", output]
        result = subprocess.run(words, capture_output=True, text=True)
        if result.returncode:
            return f"{' '.join(words)}: {result.stderr}"
        seen = behaviour(wasm, output)
        expected = expected or seen
        # Addresses are among what is computed.
        if seen[0] == expected[0] and seen[1] != expected[1]:
            pair = next((a, b) for a, b in zip(expected[1], seen[1]) if a != b)
            return f"{' '.join(words)}: {pair[0]}, but {pair[1]}"
    return None


def main():
    count = int(sys.argv[1])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    keep = sys.argv[3] if len(sys.argv) > 3 else None
    wasm, differences = engine(), 0
    for seed in range(first, first + count):
        folder = tempfile.mkdtemp(prefix="judge-folding-")
        try:
            difference = judge(seed, wasm, os.environ["SOLDER"], folder)
            if difference:
                differences += 1
                print(f"seed {seed}: {difference[:600]}", flush=True)
                if keep:
                    shutil.copytree(folder, os.path.join(keep, str(seed)), dirs_exist_ok=True)
        finally:
            shutil.rmtree(folder)
    print(f"{count} libraries from seed {first}: {differences} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
