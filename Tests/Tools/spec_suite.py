"""The specification's tests, with every module in them linked.

  spec_suite.py LINKER SUITE KNOWN [SCRIPT...]

SUITE is the folder `test/core` of the specification; scripts are paths in it. In each script every valid module is
replaced by what LINKER makes of it, nothing being left out: alone, behind a shared library, behind another module, and
behind one that imports of all kinds what the suite's host has and runs before it, which all shift index spaces. Then `wasmtime wast` runs the script, and what it asserts has to hold as it did before.

Prints what fails as WAY SCRIPT:LINE and why, then "N passed, M failed". The run succeeds when the failing scripts are
exactly those of the file KNOWN, each line of which is WAY SCRIPT and a reason.

The environment's WASM_TOOLS and WASMTIME are the paths of wasm-tools and wasmtime.
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

WASM_TOOLS, WASMTIME = os.environ["WASM_TOOLS"], os.environ["WASMTIME"]
PROPOSALS = ["-W", "all-proposals=y"]

LIBRARY = """
(module (@dylink.0 (mem-info))
  (type (func (param i64 f32))) (type $unary (func (param f64) (result f64)))
  (global $count (mut i32) (i32.const 5))
  (func $count (export "solder.count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))
  (func $twice (export "solder.twice") (type $unary) (f64.add (local.get 0) (local.get 0))))
"""

MODULE = """
(module
  (rec (type $pair (struct (field i32) (field (ref null $pair)))) (type $unary (func (param f64) (result f64))))
  (type (func (param i64 f32)))
  (memory 1 2) (memory i64 1)
  (table $slots 3 funcref) (table 1 externref)
  (tag $tag (param i64))
  (global $count (mut i64) (i64.const 5)) (global $seven i32 (i32.const 7))
  (elem (table $slots) (i32.const 1) func $count $twice) (elem declare func $twice) (elem $passive func $count)
  (data (i32.const 16) "data of its own") (data $text "more of it")
  (func $count (result i64)
    (memory.init $text (i32.const 0) (i32.const 0) (i32.const 4))
    (table.init $slots $passive (i32.const 0) (i32.const 0) (i32.const 1))
    (global.set $count (i64.add (global.get $count) (i64.load8_u 1 (i64.const 9)))) (global.get $count))
  (func $twice (type $unary) (drop (ref.func $twice)) (f64.add (local.get 0) (local.get 0)))
  (func (throw $tag (call $count))))
"""

STARTER = """
(module
  (type (func (param i64 f32)))
  (import "spectest" "print_i32" (func $print (param i32)))
  (import "spectest" "print_f64_f64" (func (param f64 f64)))
  (import "spectest" "memory" (memory 1))
  (import "spectest" "table" (table 1 funcref))
  (import "spectest" "global_i64" (global i64))
  (import "spectest" "global_f32" (global f32))
  (global $count (mut i32) (i32.const 5))
  (func $start (global.set $count (i32.const 6)) (call $print (global.get $count)))
  (start $start))
"""


def run(*command):
    result = subprocess.run(command, capture_output=True)
    return result.returncode, (result.stdout + result.stderr).decode(errors="replace")


def skip(text, at):
    """Where the next thing begins that is neither space nor comment."""
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text.startswith(";;", at):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif text.startswith("(;", at):
            depth, at = 1, at + 2
            while depth:
                opened, closed = text.find("(;", at), text.find(";)", at)
                if 0 <= opened < closed:
                    depth, at = depth + 1, opened + 2
                else:
                    depth, at = depth - 1, closed + 2
        else:
            break
    return at


def form_end(text, at):
    """Where the form in parentheses that begins here ends."""
    depth = 0
    while True:
        at = skip(text, at)
        if text[at] == '"':
            at += 1
            while text[at] != '"':
                at += 2 if text[at] == "\\" else 1
            at += 1
        elif text[at] == "(":
            depth, at = depth + 1, at + 1
        elif text[at] == ")":
            depth, at = depth - 1, at + 1
            if depth == 0:
                return at
        else:
            while text[at] not in '()";' and not text[at].isspace():
                at += 1
            if text[at] == ";" and not text.startswith(";;", at):
                at += 1


def forms(text):
    at = skip(text, 0)
    while at < len(text):
        end = form_end(text, at)
        yield at, end
        at = skip(text, end)


MODULE_HEAD = re.compile(r"\(\s*module(\s+definition)?(\s+\$[^\s()]+)?")
# What says of a module that it is none.
NOT_LINKED = {"assert_invalid", "assert_malformed", "assert_invalid_custom", "assert_malformed_custom"}


def escaped(data):
    return "".join(f"\\{byte:02x}" for byte in data)


def linked_script(text, commands, folder, link):
    """The script with linked modules in place of its own, and what could not be linked."""
    result, last, refused = [], 0, []
    spans = list(forms(text))
    if len(spans) != len(commands):
        raise ValueError(f"{len(spans)} forms and {len(commands)} commands")
    for (start, end), command in zip(spans, commands):
        if command["type"] in NOT_LINKED:
            result.append(text[last:start] + "\n" * text.count("\n", start, end))
            last = end
            continue
        if "filename" not in command or not command["filename"].endswith(".wasm"):
            continue
        head = MODULE_HEAD.search(text, start, end)
        if not head:
            raise ValueError(f"line {command['line']} has no module")
        module_end = form_end(text, head.start())
        source = os.path.join(folder, command["filename"])
        failure, binary = link(source)
        if failure and command["type"] == "assert_unlinkable":
            # What the engine refuses the linker may refuse.
            result.append(text[last:start] + "\n" * text.count("\n", start, end))
            last = end
            continue
        if failure:
            refused.append((command["line"], failure))
            continue
        lines = "\n" * text.count("\n", head.start(), module_end)
        result.append(text[last : head.end()] + f' binary "{escaped(binary)}"{lines})')
        last = module_end
    result.append(text[last:])
    return "".join(result), refused


class Suite:
    def __init__(self, linker, root, folder):
        self.linker, self.root, self.folder = linker, root, folder
        self.ways = {
            "alone": ["--strip-debug"],
            "behind-library": [self.assembled("library.so", LIBRARY)],
            "behind-module": ["solder=" + self.assembled("module.wasm", MODULE)],
            "behind-starter": [
                "--extra-features=bulk-memory", "solder=" + self.assembled("starter.wasm", STARTER)],
        }

    def assembled(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path + ".wat", "w") as file:
            file.write(text)
        code, output = run(WASM_TOOLS, "parse", path + ".wat", "-o", path)
        if code:
            raise SystemExit(f"{name}: {output}")
        return path

    def judge(self, script):
        """What fails of a script, by way, and how many ways hold."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            path = os.path.join(self.root, script)
            listing = os.path.join(folder, "commands.json")
            code, output = run(WASM_TOOLS, "json-from-wast", path, "--wasm-dir", folder, "-o", listing)
            if code:
                return script, [], 0, f"wasm-tools: {output.splitlines()[:1]}"
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read()
            with open(listing) as file:
                commands = json.load(file)["commands"]
            try:
                original, _ = linked_script(text, commands, folder, self.unchanged)
            except ValueError as error:
                return script, [], 0, str(error)
            ending = None if "(module" in original else "it has no module"
            ending = ending or self.run(original, folder)
            if ending:
                return script, [], 0, ending
            failures, passed = [], 0
            for way, words in self.ways.items():
                changed, refused = linked_script(text, commands, folder, lambda path: self.link(path, words))
                problems = [f"{way} {script}:{line} {why}" for line, why in refused]
                ending = self.run(changed, folder)
                if ending:
                    problems.append(f"{way} {script}{ending}")
                if problems:
                    failures.append((way, problems))
                else:
                    passed += 1
            return script, failures, passed, None

    @staticmethod
    def unchanged(path):
        with open(path, "rb") as file:
            return None, file.read()

    def link(self, path, words):
        result = path + ".linked"
        code, output = run(self.linker, "--no-gc-sections", *words, path, "-o", result)
        if code:
            return output.strip().replace("\n", " ") or f"ends with {code}", None
        return self.unchanged(result)

    @staticmethod
    def run(text, folder):
        path = os.path.join(folder, "script.wast")
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        code, output = run(WASMTIME, "wast", *PROPOSALS, path)
        if code == 0:
            return None
        where = re.search(r"script\.wast(:\d+)", output)
        why = [line.strip() for line in output.splitlines() if re.match(r"\s+\d+: ", line)]
        return f"{where.group(1) if where else ''} {'; '.join(why[-2:])[:300]}"


def known_failures(path):
    result = {}
    with open(path) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                way, script, reason = line.split(None, 2)
                result[way, script] = reason
    return result


def main():
    linker, root, known, *scripts = sys.argv[1:]
    expected = known_failures(known)
    if not scripts:
        scripts = sorted(
            os.path.relpath(os.path.join(place, name), root) for place, _, names in os.walk(root) for name in names
            if name.endswith(".wast"))
    passed, failed, status = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        suite = Suite(os.path.realpath(linker), root, folder)
        for script, failures, count, skipped in pool.map(suite.judge, scripts):
            passed += count
            if skipped:
                print(f"not run: {script}: {skipped}")
            ways = {way for way, _ in failures}
            for way, problems in failures:
                failed += 1
                if (way, script) not in expected:
                    print("\n".join(problems), flush=True)
                    status = 1
            for way, other in expected:
                if other == script and way not in ways:
                    print(f"{way} {script} is listed in {known}, but holds")
                    status = 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(status)


if __name__ == "__main__":
    main()
