"""Debug information of random C and C++ programs, some files of which are shared libraries or a whole module.

  random_debug.py COUNT [SEED [FOLDER]]    SOLDER names the linker; differences are written to FOLDER

The programs are those of random_c.py, with DWARF 2 to 5 in its variants, linked with random options, or from libraries that
were lifted to objects. Of the result `llvm-dwarfdump --verify` may say only what it says of the inputs, each line has to begin at
an instruction, and the lines that a function of a library has, instruction by instruction, have to be those that it had
before in the same order, but for instructions that linking took away.
"""

import bisect
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

from leb128 import number
from random_c import Build, Program, run

READER = "llvm-dwarfdump-19"
ROW = re.compile(r"0x([0-9a-f]+)\s+(\d+)\s+(\d+)\s+(\d+)\s(.*)")


def complaints(path):
    """What is wrong with a file's debug information, by kind."""
    text = subprocess.run([READER, "--verify", path], capture_output=True, text=True).stdout
    # Strings that end others share their bytes, as in wasm-ld's results; functions that are one share their code.
    known = "No errors|overlapping|Errors detected|invalid string offset"
    return {re.sub(r"0x[0-9a-fA-F]+|\d+", "N", line).strip() for line in text.splitlines()
            if "error" in line.lower() and not re.search(known, line)}


def skip(data, place, count):
    for _ in range(count):
        while data[place] >= 0x80:
            place += 1
        place += 1
    return place


def skip_memory(data, place):
    flags, place = number(data, place)
    return skip(data, place, 2 if flags & 0x40 else 1)


def skip_operands(data, place, code):
    """Steps over the operands of an instruction (WebAssembly 3.0, Binary Format, Instructions)."""
    if code in (0x0E, 0x1C):
        count, place = number(data, place)
        return skip(data, place, count + (code == 0x0E))
    if code == 0x1F:
        place = skip(data, place, 1)
        count, place = number(data, place)
        for _ in range(count):
            kind = data[place]
            place = skip(data, place + 1, 1 if kind >= 2 else 2)
        return place
    if 0x28 <= code <= 0x3E:
        return skip_memory(data, place)
    if code in (0x43, 0x44):
        return place + (4 if code == 0x43 else 8)
    if code == 0xFC:
        kind, place = number(data, place)
        return skip(data, place, 0 if kind < 8 else 2 if kind in (8, 10, 12, 14) else 1)
    if code == 0xFD:
        kind, place = number(data, place)
        if kind <= 11 or 84 <= kind <= 93:
            return skip_memory(data, place) + (84 <= kind <= 91)
        return place + (16 if kind in (12, 13) else 21 <= kind <= 34)
    if code == 0xFE:
        kind, place = number(data, place)
        return place + 1 if kind == 3 else skip_memory(data, place)
    if code in (0x11, 0x13):
        return skip(data, place, 2)
    one = (0x02, 0x03, 0x04, 0x06, 0x07, 0x08, 0x09, 0x0C, 0x0D, 0x10, 0x12, 0x14, 0x15, 0x18, 0xD0, 0xD2)
    return skip(data, place, 1) if code in one or 0x20 <= code <= 0x26 or 0x3F <= code <= 0x42 else place


def name_at(data, place):
    count, place = number(data, place)
    return data[place:place + count].decode(errors="replace"), place + count


def functions(path):
    """Of each function its name, where its size and where its instructions are in the code section."""
    data = open(path, "rb").read()
    place, imported, bodies, names = 8, 0, [], {}
    while place < len(data):
        kind = data[place]
        size, place = number(data, place + 1)
        start, end = place, place + size
        if kind == 2:
            count, place = number(data, place)
            for _ in range(count):
                _, place = name_at(data, place)
                _, place = name_at(data, place)
                what = data[place]
                place += 1
                if what == 0:
                    imported += 1
                    place = skip(data, place, 1)
                elif what == 3:
                    place += 2
                elif what == 4:
                    place = skip(data, place, 2)
                else:
                    place += what == 1
                    flags, place = number(data, place)
                    place = skip(data, place, 2 if flags & 1 else 1)
        elif kind == 10:
            count, place = number(data, place)
            for _ in range(count):
                first = place
                size, place = number(data, place)
                bodies.append((start, first, place, place + size))
                place += size
        elif kind == 0:
            section, place = name_at(data, place)
            while section == "name" and place < end:
                subsection = data[place]
                size, place = number(data, place + 1)
                last = place + size
                if subsection == 1:
                    count, place = number(data, place)
                    for _ in range(count):
                        index, place = number(data, place)
                        names[index], place = name_at(data, place)
                place = last
        place = end
    result = []
    for index, (start, first, place, end) in enumerate(bodies):
        steps = []
        count, place = number(data, place)
        place = skip(data, place, 2 * count)
        while place < end:
            steps.append(place - start)
            place = skip_operands(data, place + 1, data[place])
        assert place == end, f"instructions of function {index} end at {place} and not at {end}"
        result.append((names.get(imported + index, ""), first - start, steps))
    return result


class Lines:
    """The lines of each instruction of a module."""

    def __init__(self, path):
        # Of each sequence: where it begins and ends, and its rows.
        self.sequences = []
        rows, names, number = [], {}, 0
        for text in run(READER, "--debug-line", path).stdout.splitlines():
            if text.startswith("debug_line["):
                assert not rows, f"{path}: a sequence of lines does not end"
                names = {}
            elif found := re.match(r"file_names\[\s*(\d+)\]:", text):
                number = int(found[1])
            elif found := re.match(r'\s+name: "(.*)"', text):
                names[number] = found[1]
            elif found := ROW.match(text):
                address = int(found[1], 16)
                if "end_sequence" not in found[5]:
                    rows.append((address, (names.get(int(found[4])), int(found[2]), int(found[3]))))
                elif rows:
                    places = [row[0] for row in rows] + [address]
                    assert places == sorted(places), f"{path}: addresses of lines go back"
                    self.sequences.append((rows[0][0], address, rows))
                    rows = []
        # What is not in the module has an address beyond all code.
        self.sequences = sorted(s for s in self.sequences if s[0] < 0xFFFFFFF0)
        self.functions = functions(path)

    def at(self, address):
        place = bisect.bisect_right(self.sequences, address, key=lambda s: s[0]) - 1
        if place < 0 or address >= self.sequences[place][1]:
            return None
        rows = self.sequences[place][2]
        return rows[bisect.bisect_right(rows, address, key=lambda r: r[0]) - 1][1]

    def runs(self):
        """For each name its functions, as the lines that follow each other in them."""
        result = {}
        for name, _, places in self.functions:
            lines = [self.at(place) for place in places]
            result.setdefault(name, []).append([b for a, b in zip([0] + lines, lines) if a != b])
        return result

    def astray(self):
        """The first line that begins within an instruction."""
        starts = {place for _, _, places in self.functions for place in places}
        heads = [(size, places[0]) for _, size, places in self.functions if places]
        for _, end, rows in self.sequences:
            for address, line in rows:
                if address in starts or address == end:
                    continue
                # The line of a function begins in front of its locals.
                head = bisect.bisect_right(heads, address, key=lambda h: h[0]) - 1
                if head < 0 or address > heads[head][1]:
                    return f"line {line} begins at {address:#x}, within an instruction"
        return None


def is_subsequence(short, long):
    rest = iter(long)
    return all(any(one == other for other in rest) for one in short)


def difference_of_lines(library, before, after):
    """What is wrong with the lines of a library's functions in the result, and how many lines were compared."""
    compared = 0
    for name, results in after.items():
        for result in results if name else []:
            origins = before.get(name, [])
            if len(origins) == len(results) == 1 and not any(result) and any(origins[0]):
                return f"{library}: the lines of {name} are gone", 0
            files = {line[0] for line in result if line}
            # Other units may have functions of that name.
            origins = [lines for lines in origins if files and files <= {line[0] for line in lines if line}]
            if not origins:
                continue
            if not any(is_subsequence(result, lines) for lines in origins):
                return f"{library}: lines {result[:40]} of {name} are not among {origins[0][:40]}", 0
            if all(len(result) * 2 < len(lines) for lines in origins):
                return f"{library}: {name} has {len(result)} of {[len(lines) for lines in origins]} lines", 0
            compared += len(result)
    return None, compared


def flags(rng):
    version = rng.choice([2, 3, 4, 4, 5, 5])
    result = [rng.choice(["-O0", "-O1", "-O2", "-Oz", "-Os"]), "-g", f"-gdwarf-{version}"]
    choices = [["-ffunction-sections", "-fdata-sections"], ["-gdwarf-aranges"], ["-gpubnames"], ["-fdebug-macro"]]
    if version >= 4:
        choices += [["-fdebug-types-section"], ["-gsplit-dwarf"]]
    if version == 5:
        choices += [["-ggnu-pubnames"]]
    for choice in choices:
        if rng.random() < 0.2:
            result += choice
    return result


def options(rng):
    result = []
    for choice in ["--no-gc-sections", "-O2", "--icf=all", "--icf=safe", "--compress-relocations --no-strip-debug",
                   "--export-dynamic", "--threads=3", "--no-merge-data-segments", "--export-all"]:
        if rng.random() < 0.2:
            result += choice.split()
    return result


def judge(seed, solder, keep):
    """The difference, if there is one, and how many lines were compared."""
    rng = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="judge-debug-")
    try:
        program = Program(rng)
        build = Build(rng, program, folder)
        build.flags = flags(rng)
        build.objects()
        groups, libraries = {}, []
        for file in program.files[1:]:
            if file == program.module and rng.random() < 0.7:
                libraries.append(build.whole_module(file, 0))
            else:
                groups.setdefault(rng.randint(0, 2), []).append(file)
        for group, files in groups.items():
            for file in files:
                if file not in build.pic:
                    build.pic[file] = build.compile(file, True)
            libraries.append(build.path(f"lib{group}.so"))
            build.library(libraries[-1], [build.pic[file] for file in files], rng.choice([[], [], ["-O2"]]))
        inputs = [build.plain[0], *libraries]
        rng.shuffle(inputs)
        words = [solder, *build.mode, *build.shared, "--no-entry", *options(rng)]
        # A whole module is no library that could be lifted with others.
        if rng.random() < 0.3 and not program.shares_locals and "--compress-relocations" not in words:
            inputs = build.lift(inputs, solder, 0)
        words += [word for _, own in program.runs for word in ("-u", own)]
        words += [f"--export={own}" for name, own in program.runs if name == own]
        output = build.path("result.wasm")
        words += [*inputs, "-o", output]
        result = subprocess.run(words, capture_output=True, text=True, timeout=60)
        difference, compared = None, 0
        if result.returncode and "duplicate symbol" in result.stderr:
            # Libraries of -Bsymbolic do not say what is weak.
            return None, 0
        if result.returncode:
            difference = f"exit {result.returncode}: {result.stderr}"
        elif any("debug information" in line and "(-gsplit-dwarf)" not in line for line in result.stderr.splitlines()):
            difference = result.stderr
        else:
            new = complaints(output).difference(*[complaints(path) for path in [*inputs, *libraries]])
            after = Lines(output)
            difference = "; ".join(sorted(new)) or after.astray()
            runs = after.runs()
            for library in libraries:
                if not difference:
                    difference, count = difference_of_lines(os.path.basename(library), Lines(library).runs(), runs)
                    compared += count
        if difference and keep:
            place = os.path.join(keep, str(seed))
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(folder, place)
            with open(os.path.join(place, "about.txt"), "w") as out:
                command = " ".join(words).replace(folder + "/", "")
                out.write(f"{difference}\n\n{command}\n\n{' '.join([build.c, *build.target, *build.flags])}\n")
        return difference, compared
    finally:
        shutil.rmtree(folder)


def main():
    count = int(sys.argv[1])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    keep = sys.argv[3] if len(sys.argv) > 3 else None
    differences = lines = 0
    for seed in range(first, first + count):
        try:
            difference, compared = judge(seed, os.environ["SOLDER"], keep)
        except (RuntimeError, AssertionError) as error:
            difference, compared = f"{type(error).__name__}: {error}", 0
        lines += compared
        if difference:
            differences += 1
            print(f"seed {seed}: {difference[:600]}", flush=True)
    print(f"{count} programs from seed {first}: {lines} lines compared, {differences} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
