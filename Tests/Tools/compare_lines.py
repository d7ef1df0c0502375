#!/usr/bin/env python3
"""Compares the lines that debug information gives to the instructions of a module, before and after it was linked.

    compare_lines.py BEFORE AFTER [--suffix -19] [--least SHARE]

Functions are known by their names and by the line where they begin. Their instructions are paired in order: linking
replaces some by a constant, and removes others, and leaves all the rest in their order. Every pair has to have the same
file, line and column. Prints how many functions and instructions were compared, and every difference; the exit code tells
whether there was one, or whether less than SHARE of the instructions of BEFORE that have a line found their like.
"""
import argparse
import bisect
import collections
import re
import subprocess


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=True).stdout


def number(data, place):
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


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


def text(data, place):
    count, place = number(data, place)
    return data[place : place + count].decode(errors="replace"), place + count


def functions(path):
    """For each function its name, and address, opcode and operands of its instructions."""
    data = open(path, "rb").read()
    place, imported, bodies, names = 8, 0, [], {}
    while place < len(data):
        kind = data[place]
        size, place = number(data, place + 1)
        start, end = place, place + size
        if kind == 2:
            count, place = number(data, place)
            for _ in range(count):
                _, place = text(data, place)
                _, place = text(data, place)
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
                size, place = number(data, place)
                bodies.append((start, place, place + size))
                place += size
        elif kind == 0:
            section, place = text(data, place)
            while section == "name" and place < end:
                subsection = data[place]
                size, place = number(data, place + 1)
                last = place + size
                if subsection == 1:
                    count, place = number(data, place)
                    for _ in range(count):
                        index, place = number(data, place)
                        names[index], place = text(data, place)
                place = last
        place = end
    result = []
    for index, (start, place, end) in enumerate(bodies):
        body, steps = place, []
        count, place = number(data, place)
        place = skip(data, place, 2 * count)
        while place < end:
            first = place
            code = data[place]
            place = skip_operands(data, place + 1, code)
            steps.append((first - start, code, bytes(data[first + 1 : place])))
        assert place == end, f"instructions of function {index} end at {place} and not at {end}"
        result.append((names.get(imported + index, ""), body - start, steps))
    return result


def lines(path, suffix):
    """Sequences of rows, each sorted by address; of several rows at an address the last one counts."""
    sequences, rows, names, base = [], [], {}, 0
    number = directory = None
    for line in run("llvm-dwarfdump" + suffix, "--debug-line", path).splitlines():
        if line.startswith("debug_line["):
            names = {}
        found = re.match(r"file_names\[\s*(\d+)\]:", line)
        if found:
            number = int(found[1])
        found = re.match(r'\s+name: "(.*)"', line)
        if found:
            names[number] = found[1]
        row = re.match(r"0x([0-9a-f]+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\d+\s+\d+\s+\d+\s*(.*)", line)
        if not row:
            row = re.match(r"0x([0-9a-f]+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\d+\s+\d+\s*(.*)", line)
        if not row:
            continue
        address = int(row[1], 16)
        if "end_sequence" in row[5]:
            if rows:
                sequences.append((rows[0][0], address, [r[0] for r in rows], [r[1] for r in rows]))
            rows = []
        else:
            rows.append((address, (names.get(int(row[4])), int(row[2]), int(row[3]))))
    sequences.sort(key=lambda s: s[:2])
    return [s[0] for s in sequences], sequences


def line_at(table, address):
    starts, sequences = table
    place = bisect.bisect_right(starts, address) - 1
    if place < 0 or address >= sequences[place][1]:
        return None
    _, _, addresses, rows = sequences[place]
    return rows[bisect.bisect_right(addresses, address) - 1]


GLOBAL_GET = 0x23
CONSTANTS = {0x41, 0x42}
REPLACED = {0x20, 0x23, 0x41, 0x42}
# Variables, branches, loads and stores of numbers: what linking leaves alone.
KEPT = {0x0C, 0x0D, 0x20, 0x21, 0x22, 0x43, 0x44} | set(range(0x36, 0x3F))


def like(old, new):
    return old[1] == new[1] and (old[1] not in KEPT or old[2] == new[2])


def pairs(before, after):
    old = new = 0
    def follows(i, j, count=4):
        while count > 0 and i < len(before) and j < len(after):
            if not like(before[i], after[j]):
                return before[i][1] == GLOBAL_GET and after[j][1] in CONSTANTS
            i, j, count = i + 1, j + 1, count - 1
        return (i < len(before)) == (j < len(after)) or count == 0
    while old < len(before) and new < len(after):
        same = like(before[old], after[new])
        if same and (before[old][1] not in REPLACED or follows(old + 1, new + 1)):
            yield before[old], after[new]
            old, new = old + 1, new + 1
            continue
        if after[new][1] in CONSTANTS and before[old][1] in REPLACED:
            length = next((k for k in range(1, 24) if follows(old + k, new + 1)), None)
            if length:
                yield before[old], after[new]
                old, new = old + length, new + 1
                continue
        length = next((k for k in range(1, 40) if follows(old + k, new)), None)
        if length is None:
            if not same:
                return
            yield before[old], after[new]
            old, new = old + 1, new + 1
        else:
            old += length


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--suffix", default="-19")
    parser.add_argument("--least", type=float, default=0.5)
    options = parser.parse_args()
    tables = [lines(path, options.suffix) for path in (options.before, options.after)]
    def by_name(path, table):
        result = collections.defaultdict(list)
        for name, body, steps in functions(path):
            first = line_at(table, body)
            if first:
                result[name, first[0], first[1]].append(steps)
        return result
    before, after = (by_name(path, table) for path, table in zip((options.before, options.after), tables))
    compared = total = differences = count = 0
    for key, olds in before.items():
        news = after.get(key)
        if not news:
            continue
        for old, new in zip(olds, news):
            count += 1
            total += len(old)
            for left, right in pairs(old, new):
                compared += 1
                was, is_now = line_at(tables[0], left[0]), line_at(tables[1], right[0])
                if was != is_now:
                    differences += 1
                    if differences <= 20:
                        print(f"{key[0]}: {left} is of {was}, but {right} of {is_now}")
    print(f"{count} functions, {compared} of {total} instructions compared, {differences} differences")
    return differences > 0 or count == 0 or compared < options.least * total


raise SystemExit(main())
