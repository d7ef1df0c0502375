"""Random command lines over the objects of Tests/Inputs/options, given to wasm-ld and to solder under wasm-ld's name.

  random_options.py COUNT [SEED [FOLDER]]    SOLDER names the linker; WASM_LD_19, _21, _22 and CLANG the tools

Exit status, everything that is printed, and every file that is written have to be the same. A command line is named by its
seed; differences are written to FOLDER. What is meant to differ is in KNOWN, each with its reason.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

import wasmtime

from leb128 import number

SOURCES = os.path.join(os.path.dirname(__file__), "..", "Inputs", "options")
NAMES = ["main", "helper", "weak", "second", "missing", "mismatch", "thread", "uses_thread", "inits", "inline",
         "inline_too", "throws", "assembly", "entry", "wrapped"]
BUILDS = {
    "plain": ["--target=wasm32-unknown-unknown", "-O1"],
    "debug": ["--target=wasm32-unknown-unknown", "-O0", "-g"],
    "pic": ["--target=wasm32-unknown-unknown", "-O2", "-fPIC", "-fvisibility=default"],
    "threads": ["--target=wasm32-unknown-unknown", "-O2", "-matomics", "-mbulk-memory", "-pthread"],
    "wide": ["--target=wasm64-unknown-unknown", "-O1"],
    "widepic": ["--target=wasm64-unknown-unknown", "-O1", "-fPIC", "-fvisibility=default"],
    "simd": ["--target=wasm32-unknown-unknown", "-O3", "-msimd128", "-mtail-call", "-mextended-const"],
}
ARCHIVES = {
    "libone.a": ["helper", "weak"], "libtwo.a": ["second", "missing", "thread"],
    "liball.a": ["helper", "weak", "second", "thread", "inits", "inline", "entry", "wrapped"],
    "libnames.a": ["weak", "helper", "mismatch", "inline_too"],
}
FUNCTIONS = ["main", "_start", "twice", "maybe", "called", "hidden_function", "message", "other_message", "exported", "span", "kept",
             "alias", "weak_alias", "alias_target", "places", "uses_missing", "nowhere", "uses_host", "host_log", "uses_mismatch",
             "next_counter", "two_counters", "first", "get_order", "through", "make", "counted_too", "_Z7countedi", "risky",
             "pair", "grow", "_initialize", "begin_here", "reactor", "second_only", "nothing_has_this", "__wasm_call_ctors",
             "_ZN5space8in_spaceERK3BoxIiEl", "__wrap_twice", "through_wrap"]
DATA = ["shared_data", "unused_data", "maybe_data", "local_state", "nowhere_data", "counter", "zero_counter", "order", "table",
        "tail_two", "_ZN3BoxIiE4keptE", "state", "__heap_base", "__data_end", "__stack_pointer", "asm_global",
        "immutable_global", "asm_table", "__memory_base", "__tls_base", "__dso_handle", "__global_base"]


def one_of(*values):
    return lambda r: [r.choice(values)]


def joined(prefix, *values):
    return lambda r: [prefix + r.choice(values)]


def apart(option, *values):
    return lambda r: [option, r.choice(values)]


def symbol(r):
    return r.choice(r.choice([FUNCTIONS, FUNCTIONS, DATA]))


def of_symbol(*spellings):
    def make(r):
        spelling = r.choice(spellings)
        return [spelling + symbol(r)] if spelling.endswith("=") or len(spelling) == 2 and r.random() < 0.5 else [
            spelling.rstrip("="), symbol(r)]
    return make


SIZES = ["65536", "131072", "1048576", "16777216"] * 4 + ["0", "1", "1024", "4096", "33554432", "4294967296", "65537", "0x10000",
         "99999999999", "-1", "many", ""]
OPTIONS = [
    (6, of_symbol("--export=", "--export")), (4, of_symbol("--export-if-defined=")), (4, of_symbol("-u", "--undefined=", "--undefined")),
    (3, of_symbol("-y", "--trace-symbol=", "--trace-symbol")), (2, of_symbol("--wrap=", "--wrap")), (3, of_symbol("-e", "--entry=", "--entry")),
    (8, one_of("--no-entry")), (4, one_of("--export-all")), (4, one_of("--export-dynamic", "-E", "--no-export-dynamic")),
    (5, one_of("--no-gc-sections", "--gc-sections")), (3, one_of("--print-gc-sections", "--no-print-gc-sections")),
    (6, one_of("--allow-undefined", "--import-undefined")), (2, one_of("--allow-undefined-file=allowed.txt")),
    (5, joined("--unresolved-symbols=", "ignore-all", "report-all", "import-dynamic", "wrong")),
    (2, one_of("--warn-unresolved-symbols", "--error-unresolved-symbols", "--noinhibit-exec")),
    (3, one_of("--allow-multiple-definition", "--no-allow-multiple-definition", "-z muldefs")),
    (4, one_of("-O0", "-O1", "-O2", "-O3", "-O")), (3, one_of("--strip-all", "-s", "--strip-debug", "-S")),
    (2, joined("--keep-section=", "name", "producers", "target_features", "notes", ".debug_info")),
    (3, one_of("--compress-relocations")), (3, one_of("--emit-relocs")), (4, one_of("--relocatable", "-r")),
    (4, one_of("-shared", "--shared", "-pie", "--pie", "--no-pie")), (3, one_of("--experimental-pic")),
    (3, one_of("-Bsymbolic", "-Bstatic", "-Bdynamic", "--static", "--dn", "--dy", "--call_shared", "--non_shared")),
    (5, one_of("--shared-memory")), (3, one_of("--no-check-features", "--check-features")),
    (3, joined("--features=", "atomics,bulk-memory,mutable-globals", "mutable-globals", "simd128", "atomics", "")),
    (2, joined("--extra-features=", "simd128", "atomics,bulk-memory", "extended-const")),
    (4, joined("--initial-memory=", *SIZES)), (4, joined("--max-memory=", *SIZES)), (2, joined("--initial-heap=", *SIZES)),
    (3, one_of("--no-growable-memory")), (3, joined("--global-base=", "0", "1", "16", "1024", "4096", "65536", "1048576")), (3, joined("--table-base=", "0", "1", "2", "100", "x")),
    (3, joined("-zstack-size=", "0", "16", "1024", "65536", "1048576", "17", "0x1000", "4294967296")), (3, one_of("--stack-first", "--no-stack-first")),
    (1, joined("--page-size=", "1", "65536", "0", "2")), (3, one_of("--import-memory", "--import-memory=a,b", "--import-memory=a")),
    (3, one_of("--export-memory", "--export-memory=mem")), (3, one_of("--import-table", "--export-table", "--growable-table")),
    (3, one_of("--merge-data-segments", "--no-merge-data-segments")), (3, one_of("--demangle", "--no-demangle")),
    (2, one_of("--build-id", "--build-id=fast", "--build-id=sha1", "--build-id=0x1234", "--build-id=none", "--build-id=tree", "--build-id=0xzz")),
    (3, one_of("-Map=out.map", "--Map=out.map", "-M", "--print-map")), (3, one_of("--why-extract=why.txt", "--why-extract=-")),
    (3, one_of("--trace", "-t")), (1, one_of("--verbose")), (1, one_of("--version", "-v", "-V")),
    (2, one_of("--fatal-warnings", "--no-fatal-warnings")), (2, joined("--error-limit=", "0", "1", "2", "x")),
    (2, joined("--soname=", "libx.so", "")), (1, joined("--rpath=", "$ORIGIN", "/lib")), (1, one_of("--no-shlib-sigcheck")),
    (1, one_of("--threads=1", "--threads=0", "--threads=2")), (1, one_of("--color-diagnostics=always", "--color-diagnostics", "--no-color-diagnostics", "--color-diagnostics=maybe")),
    (1, one_of("-mwasm32", "-mwasm64", "-melf")), (1, one_of("--unknown-option", "-zunknown", "-Q", "--exprt=main", "--export")),
    (1, one_of("--reproduce=repro.tar")), (1, one_of("-L.", "-Lnowhere", "-lone", "-lnowhere", "-l:libone.a", "--library=one")),
]


class Inputs:
    """The objects of every build, and archives and a library of them."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        clang = os.environ["CLANG"]
        archiver = os.path.join(os.path.dirname(clang), "llvm-ar")
        for build, flags in BUILDS.items():
            place = os.path.join(folder, build)
            os.makedirs(place, exist_ok=True)
            for name in NAMES:
                source = next(p for p in (os.path.join(SOURCES, name + e) for e in (".c", ".cc", ".s")) if os.path.exists(p))
                more = ["-fno-exceptions"] if source.endswith(".cc") and name != "throws" else []
                if name == "throws":
                    more = ["-fwasm-exceptions"]
                if source.endswith(".s"):
                    flags_here = [flags[0], "-mreference-types"]
                else:
                    flags_here = flags + ["-ffreestanding", "-fno-builtin", "-mmultivalue"]
                subprocess.run([clang, *flags_here, *more, "-w", "-c", source, "-o", f"{name}.o"], cwd=place, check=True)
            for archive, members in ARCHIVES.items():
                subprocess.run([archiver, "rcsD", archive, *[m + ".o" for m in members]], cwd=place, check=True)
        for build in ("pic", "widepic"):
            subprocess.run([os.environ["WASM_LD_21"], "-shared", "--experimental-pic", "helper.o", "-o", "libshared.so",
                            *(["-mwasm64"] if build == "widepic" else [])], cwd=os.path.join(folder, build), check=True)

    def line(self, r):
        """The words of a command line, from its folder beside the inputs'."""
        build = r.choice(["plain"] * 4 + list(BUILDS))
        options = []
        for _ in range(r.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 8])):
            options.append(r.choices([o for _, o in OPTIONS], [w for w, _ in OPTIONS])[0](r))
        # Without these nearly every line would end at the first missing entry or name.
        if r.random() < 0.8:
            options.append(["--no-entry"])
        if r.random() < 0.7:
            options.append([r.choice(["--allow-undefined", "--unresolved-symbols=ignore-all"])])
        if "pic" in build and r.random() < 0.6:
            options.append([r.choice(["-shared", "-pie"])])
            options.append(["--experimental-pic"])
        if build == "threads" and r.random() < 0.5:
            options.append(["--shared-memory"])
            options.append([f"--max-memory={r.choice([1048576, 16777216])}"])
        files = []
        if build.startswith("wide") and r.random() < 0.9:
            options.append(["-mwasm64"])
        # Names that others define too are an error as often as not.
        names = [n for n in NAMES if n not in ("second", "missing", "mismatch", "wrapped")] if r.random() < 0.7 else NAMES
        used = set()
        for _ in range(r.choice([1, 1, 2, 2, 3, 3, 4, 5])):
            here = build if r.random() < 0.97 else r.choice(list(BUILDS))
            if r.random() < 0.25:
                file = r.choice(list(ARCHIVES))
            elif "pic" in here and r.random() < 0.1 and any(o[0] in ("-shared", "-pie") for o in options):
                file = "libshared.so"
            else:
                file = r.choice(names[:2] * 3 + names) + ".o"
            if file in used and r.random() < 0.9:
                continue
            used.add(file)
            path = f"../in/{here}/{file}"
            if r.random() < 0.05:
                files.append([["--whole-archive", path, "--no-whole-archive"], ["--start-lib", path, "--end-lib"],
                              ["--whole-archive", path], ["--start-lib", path], [path, path]][r.randrange(5)])
            else:
                files.append([path])
        if r.random() < 0.01:
            files.append([r.choice(["../in/nowhere.o", "../in", "allowed.txt"])])
        # Options anywhere, files in their order.
        words = files
        for option in options:
            words.insert(r.randint(0, len(words)), option)
        return [word for group in words for word in group]


def run(command, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, "allowed.txt"), "w") as file:
        file.write("nowhere\nhost_log\n")
    environment = dict(os.environ, LC_ALL="C")
    result = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, env=environment)
    return result.returncode, result.stdout, result.stderr


def said(text, is_verbose):
    """Lines without the program's own name, and without what solder says beyond wasm-ld; of a log only what is wrong."""
    lines = []
    for line in text.decode("utf-8", "replace").split("\n"):
        line = re.sub(r"^(\x1b\[[0-9;]*m)*(\S*/)?wasm-ld(-\d+)?: ", "", line)
        if line.startswith(("note: ", "\x1b[0;30mnote: ", "\x1b[1mnote: ")):
            continue
        line = re.sub(r"^(Debian )?LLD \d.*|^Solder .*", "version", line)
        line = re.sub(r"(--shared-memory is disallowed by )[^ ]*\((.*?)\)( because)", r"\1\2\3", line)
        line = re.sub(r"(Target feature '.*' used by )[^ ]*\((.*)\)( is not allowed)", r"\1\2\3", line)
        # Empty lines set messages apart, and so stand around notes too.
        if line and not is_verbose or re.match(r"(\x1b\[[0-9;]*m)*(error: |warning: |>>> )", line):
            lines.append(line)
    return lines


def without_linking(module):
    """The sections of a module but those that only another link reads, and a hash of them all."""
    place, sections = 8, []
    while place < len(module):
        kind, begin = module[place], place
        size, place = number(module, place + 1)
        if kind != 0 or not re.match(rb".(linking|reloc\.|build_id)", module[place:place + 10], re.S):
            sections.append(module[begin:place + size])
        place += size
    return sections


def is_valid(path):
    """Whether LLVM's reader, which knows the linking section, and wasmtime's validator take the module."""
    if subprocess.run(["llvm-objdump-19", "-h", path], capture_output=True).returncode:
        return False
    config = wasmtime.Config()
    for feature in ("threads", "memory64", "multi_memory", "tail_call", "relaxed_simd", "exceptions"):
        setattr(config, "wasm_" + feature, True)
    try:
        wasmtime.Module.validate(wasmtime.Engine(config), open(path, "rb").read())
    except wasmtime.WasmtimeError:
        return False
    return True


def differences(reference, own, folders, is_verbose):
    """What differs, as texts."""
    found = []
    (code, out, err), (own_code, own_out, own_err) = reference, own
    if code != own_code:
        found.append(f"exit status {code} against {own_code}")
    # What explains extractions may go to a file.
    explained = [open(path, "rb").read() if os.path.exists(path) else b"" for path in (os.path.join(f, "why.txt") for f in folders)]
    for name, a, b in (("output", out + explained[0], own_out + explained[1]), ("errors", err, own_err)):
        a, b = said(a, is_verbose), said(b, is_verbose)
        if a != b:
            gone = [line for line in a if line not in b]
            new = [line for line in b if line not in a]
            found.append(f"{name}:\n  only wasm-ld: " + "\n    ".join(gone) + "\n  only solder: " + "\n    ".join(new) + ("" if gone or new else "\n  another order\n  " + "\n  ".join(a)))
    files = [sorted(os.listdir(f)) for f in folders]
    if files[0] != files[1]:
        found.append(f"files {files[0]} against {files[1]}")
    for name in set(files[0]) & set(files[1]):
        contents = [open(os.path.join(f, name), "rb").read() for f in folders]
        if contents[0] != contents[1] and not name.endswith(".tar") and name != "why.txt":
            found.append(f"{name} differs ({len(contents[0])} and {len(contents[1])} bytes)")
            if name == "out.wasm":
                for size, word in re.findall(rb"GOT\.mem(.)(\w+)", contents[1], re.S):
                    if b"GOT.func" + size + word[:size[0]] in contents[0]:
                        found.append(f"the reference imports GOT.func.{word[:size[0]].decode()}")
            if name == "out.wasm" and without_linking(contents[0]) == without_linking(contents[1]):
                found.append("only the linking section differs")
            if name == "out.wasm":
                theirs, ours = (is_valid(os.path.join(f, name)) for f in folders)
                if theirs and not ours:
                    found.append("solder's result is invalid")
                elif ours and not theirs:
                    found.append("wasm-ld's result is invalid")
    if found:
        found.append(f"exit status {code} of both" if code == own_code else "")
    return found


FILE_ERRORS = re.compile(
    r"error: .*(cannot open|unknown file type|must specify -mwasm64|can't be linked in wasm|unable to find library|No such file|Is a directory)")


def only(found, which):
    """The lines that only one of the two says."""
    lines = []
    for text in found:
        if text.startswith("errors:") and f"only {which}: " in text:
            part = text.split(f"only {which}: ")[1].split("\n  only ")[0]
            part = re.sub(r"\x1b\[[0-9;]*m", "", part)
            lines += [line.strip() for line in part.split("\n") if line.strip() and line.strip() != "another order"]
    return lines


def both_fail(found):
    """The differences are in words, and in what a link leaves that went wrong."""
    return "of both" in found[-1] and not any(text.startswith("out.wasm") for text in found)


def older_release(words, release, found):
    return any("unknown argument" in line for line in only(found, "wasm-ld"))


def members_unread(words, release, found):
    lines = only(found, "wasm-ld")
    lazy = words[words.index("--start-lib"):] if "--start-lib" in words else []
    return bool(lines) and all(
        re.search("must specify -mwasm64|wasm32 object file can't be linked", line) and (".a(" in line or any(file in line for file in lazy))
        for line in lines)


def width_of_library(words, release, found):
    """wasm-ld takes a shared library of any width, and one for wasm64 for one for wasm32."""
    if any("widepic/libshared.so" in word for word in words) and "-mwasm64" not in words:
        return True
    lines = only(found, "solder")
    return bool(lines) and all(re.search(r"libshared\.so: is wasm(32|64), and cannot be linked with", line) for line in lines)


def library_twice(words, release, found):
    return sum("libshared.so" in word for word in words) > 1


def lazy_kind(words, release, found):
    """Weak data that an archive offers is imported as if it were a function, or compared as if it were a section."""
    return any("the reference imports GOT.func" in text or "WASM_SYMBOL_TYPE_SECTION in" in text for text in found)


OPTION_ERRORS = re.compile(
    r"error: .*(number expected|unknown --|unknown argument|unknown flavor|missing argument|incompatible with|may not be? used together|"
    r"not a hexadecimal|invalid (target|optimization|stack-size|codegen)|expected a positive|--page_size|unknown option|specified for relocatable|may not be used with|stray|nested)")


def stages(words, release, found):
    if not both_fail(found) or "status 0" in found[-1]:
        return False
    files = [line for line in only(found, "wasm-ld") if line.startswith("error:")]
    options = [line for line in only(found, "solder") if line.startswith("error:")]
    if not files and not options:
        # What an error that both report kept the one from saying: warnings of options, the version, an archive of the inputs.
        return all(text.startswith(("errors", "output", "files", "exit status 1 of both")) and "another order" not in text for text in found)
    return bool(files and all(FILE_ERRORS.search(line) for line in files)) or bool(
        options and all(OPTION_ERRORS.search(line) for line in options))


def beyond_memory(words, release, found):
    return any("can be addressed" in line for line in only(found, "solder"))


def stub_of_member(words, release, found):
    """wasm-ld checks no signature when a reference brings a member in: the call is invalid. What solder has traps, and so
    reaches less; nothing can be said of sizes and of what is reached."""
    lines, theirs = only(found, "solder"), only(found, "wasm-ld")
    mismatch = re.compile(r"(warning|error): function signature mismatch|>>> defined as")
    reached = re.compile(r"error: (initial memory too small|.*relocation .* cannot be used against symbol)")
    return (any(mismatch.match(x) for x in lines) and any(".a(" in x or "--start-lib" in words for x in lines)
            and all(mismatch.match(x) or reached.match(x) for x in lines) and all(reached.match(x) for x in theirs))


def hashed(words, release, found):
    text, theirs = "\n".join(found), only(found, "wasm-ld")
    if "Target feature" in text and any("error-limit" in word for word in words):
        return True
    if len(found) > 3:
        return False
    if "another order" in text and ("Target feature" in text or "signature mismatch" in text):
        return True
    return bool(theirs) and "exit status 0 of both" not in found and all(
        "signature mismatch" in line or line.startswith(">>>") for line in theirs + only(found, "solder"))


def stub_symbols(words, release, found):
    """wasm-ld gives a missing function a symbol that is neither an import's nor has a name."""
    return any("only the linking section differs" in text for text in found)


def local_name(words, release, found):
    """wasm-ld has local names among those that an archive offers; LLVM 19's even takes the member for one."""
    if release == "19" and any(re.search(r"(^|[=,uey])kept$", word) for word in words) and any(".a" in word for word in words):
        return True
    return bool(only(found, "wasm-ld")) and all("lazy definition of kept" in line for line in only(found, "wasm-ld"))


def map_and_version(words, release, found):
    return len(found) == 2 and "another order" in found[0] and "  version" in found[0]


def trace_and_extraction(words, release, found):
    return len(found) == 2 and "another order" in found[0] and "definition of __" in found[0] and "reference\textracted" in found[0]


def extracted_itself(words, release, found):
    """Where a member's function has another signature, wasm-ld names who refers to it in place of the member."""
    theirs = [line.split("\t") for text in found if text.startswith("output:")
              for line in map(str.strip, text.split("only wasm-ld: ")[1].split("\n  only ")[0].split("\n")) if line]
    return bool(theirs) and len(found) == 2 and all(len(line) == 3 and line[0] == line[1] for line in theirs)


def order_of_options(words, release, found):
    """wasm-ld reports wrong values in an order of its own, solder in that of the command line."""
    return len(found) == 2 and "another order" in found[0] and found[0].startswith("errors:") and all(
        OPTION_ERRORS.search(line) or re.match("(error|warning): unknown -z value", line)
        for line in map(str.strip, found[0].split("another order\n")[1].split("\n")))


def several_files(words, release, found):
    """Of several files that agree, another one is named."""
    lines = only(found, "wasm-ld") + only(found, "solder")
    return bool(lines) and len(found) == 2 and all(line.startswith(">>> defined as") for line in lines)


def shared_objects(words, release, found):
    return any("-r and -shared may not be used together" in line for line in only(found, "solder"))


def indispensable(words, release, found):
    """wasm-ld's result names a global, table or tag that is not there."""
    return any("has to be defined or imported" in line for line in only(found, "solder"))


def static_library(words, release, found):
    """What wasm-ld refuses, or leaves to be loaded beside a program that cannot have it."""
    kinds = [word for word in words if word in ("-pie", "--no-pie")]
    if any("libshared.so" in word for word in words) and kinds[-1:] == ["--no-pie"] and "-shared" not in words:
        return True
    return any("attempted static link of dynamic object" in line for line in only(found, "wasm-ld"))


def too_many(words, release, found):
    return any("too many errors emitted" in line for line in only(found, "wasm-ld")) and not only(found, "solder")


def reproduced(words, release, found):
    return any("repro.tar" in text for text in found) and len(found) == 2


def value_before_version(words, release, found):
    """`-v` without a link to do ends the one before values are read."""
    return bool(only(found, "solder")) and all(OPTION_ERRORS.search(line) for line in only(found, "solder")) and any(
        word in ("-v", "-V", "--version") for word in words)


def pages_of_one_byte(words, release, found):
    """A memory of 4 GiB has more pages of one byte than a module can say; wasm-ld writes it all the same."""
    lines = only(found, "solder")
    return "--page-size=1" in words and bool(lines) and all(re.search("too large, cannot be greater than", line) for line in lines)


def stubs(words, release, found):
    """The functions that take the place of those with another signature stand in the order of a hash table too."""
    sizes = [re.match(r"out\.wasm differs \((\d+) and \1 bytes", text) for text in found if text.startswith("out.wasm")]
    return bool(sizes) and all(sizes) and any("another order" in text and "signature mismatch" in text for text in found)


def invalid(words, release, found):
    """What wasm-ld wrote does not validate."""
    return any("wasm-ld's result is invalid" in text for text in found)


# (reason, whether it explains this difference of this line)
KNOWN = [
    ("solder takes the options of all releases", older_release),
    ("solder reads no members of archives that nobody needs", members_unread),
    ("solder reports wrong options before it opens files, and wrong files before it reads them; wasm-ld ends at the first file", stages),
    ("wasm-ld names features, and functions with several signatures, in the order of a hash table", hashed),
    ("wasm-ld has stubs in the order of a hash table", stubs),
    ("wasm-ld writes memories of more pages than a module can say", pages_of_one_byte),
    ("wasm-ld does not look how wide a library's addresses are", width_of_library),
    ("wasm-ld lists a library as needed as often as it is named", library_twice),
    ("wasm-ld gives missing functions no proper symbols", stub_symbols),
    ("wasm-ld lists local names of archives", local_name),
    ("the version and the map come in another order", map_and_version),
    ("names that the linker defines are traced before archives' members are explained", trace_and_extraction),
    ("solder reports wrong values in the command line's order", order_of_options),
    ("wasm-ld explains members by who refers to them where signatures differ", extracted_itself),
    ("wasm-ld names another of the files that say the same", several_files),
    ("wasm-ld does not notice -r and -shared together", shared_objects),
    ("wasm-ld lets globals, tables and tags be missing", indispensable),
    ("solder links shared libraries statically", static_library),
    ("solder stops at wrong options, and so before the limit of errors", too_many),
    ("wasm-ld takes names that an archive or a needed library offers for functions, or for sections", lazy_kind),
    ("wasm-ld writes --reproduce's archive when it only prints its version", reproduced),
    ("solder reads all values before it prints its version", value_before_version),
    ("wasm-ld lets addresses wrap around where the stack does not fit", beyond_memory),
    ("wasm-ld does not see that a member defines a function with another signature", stub_of_member),
    ("wasm-ld calls a member's function with another signature, or gives a stub a symbol that is none", invalid),
]


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    findings = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
    work = tempfile.mkdtemp()
    try:
        inputs = Inputs(os.path.join(work, "in"))
        own_name = os.path.join(work, "wasm-ld")
        os.symlink(os.path.abspath(os.environ["SOLDER"]), own_name)
        folders = [os.path.join(work, "reference"), os.path.join(work, "own")]
        different = crashed = explained = succeeded = 0
        for number in range(seed, seed + count):
            r = random.Random(number)
            release = r.choice(["19", "21", "22"])
            words = inputs.line(r) + ["-o", "out.wasm"]
            reference = run([os.environ["WASM_LD_" + release], *words], folders[0])
            own = run([own_name, *([] if release == "22" else ["--compat=" + release]), *words], folders[1])
            succeeded += reference[0] == 0
            if own[0] not in (0, 1):
                found = [f"solder ends with {own[0]}"]
            elif reference[0] not in (0, 1):
                crashed += 1  # wasm-ld's own defect; solder has to end in order.
                continue
            else:
                found = differences(reference, own, folders, "--verbose" in words)
            if not found:
                continue
            if any(explains(words, release, found) for _, explains in KNOWN):
                explained += 1
                continue
            different += 1
            text = f"{number}: wasm-ld {release} {' '.join(words)}\n" + "\n".join(found) + "\n"
            print(text, flush=True)
            if findings:
                with open(os.path.join(findings, f"{number}.txt"), "w") as file:
                    file.write(text)
        print(f"{count} command lines from seed {seed}: {succeeded} link, {different} differ, {explained} differ as meant, {crashed} times wasm-ld crashed")
        return different != 0
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
