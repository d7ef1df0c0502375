// A loader of shared libraries (tool-conventions, DynamicLinking.md), to compare with: what Solder does when linking is
// done here when the program starts.
import { readFileSync } from "node:fs";

const byteReader = (bytes) => ({
  at: 0,
  number() {
    let value = 0, shift = 0, byte;
    do {
      byte = bytes[this.at++];
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte & 0x80);
    return value >>> 0;
  },
});

export class Loader {
  constructor(imports) {
    this.imports = imports;
    this.functions = new Map();
    this.addresses = new Map();
    this.slots = new Map();
    this.waiting = []; // GOT entries whose symbol has not been seen yet.
    this.libraries = new Map(); // By name: what can be opened.
    this.opened = [null];
    this.tag = new WebAssembly.Tag({ parameters: ["i32"] });
  }

  // The main module exports its memory, its table and all that libraries use of the C library.
  start(bytes, libraries) {
    const module = new WebAssembly.Module(bytes);
    const env = new Proxy({ __cpp_exception: this.tag }, {
      has: () => true,
      get: (own, name) => own[name] ?? ((...values) => this.call(name, values)),
    });
    const own = {
      dlopen: (path) => this.open(this.text(path)), dlerror: () => 0, dladdr: () => 0, dlclose: () => 0,
      _Unwind_RaiseException: (exception) => {
        throw new WebAssembly.Exception(this.tag, [exception]);
      },
      dlsym: (handle, name) => this.slot(this.opened[handle]?.[this.text(name)]),
    };
    for (const [name, value] of Object.entries(own)) this.functions.set(name, value);
    const instance = new WebAssembly.Instance(module, { ...this.imports, env });
    this.main = instance.exports;
    this.table = this.main.__indirect_function_table;
    this.register(instance.exports, 0);
    this.needed = [];
    for (const library of libraries) {
      const [name, path] = library.includes("=") ? library.split("=") : [null, library];
      if (name) this.libraries.set(name, path);
      else this.needed.push(path);
    }
    return instance;
  }

  text(address) {
    const bytes = new Uint8Array(this.main.memory.buffer);
    return new TextDecoder().decode(bytes.slice(address, bytes.indexOf(0, address)));
  }

  // Libraries are loaded when the program first calls one: constructors use WASI, which has to have been started. That goes
  // for the program's own too, which nobody calls as it exports them.
  call(name, values) {
    if (this.needed.length) this.main.__wasm_call_ctors();
    while (this.needed.length) this.load(this.needed.shift());
    const target = this.functions.get(name);
    // As with `--stub` when linking.
    if (!target && /^(pthread_|__wasi_init_tp)/.test(name)) return /get/.test(name) ? 52 : 0;
    if (!target) throw new Error(`nobody defines ${name}`);
    return target(...values);
  }

  open(path) {
    for (const [name, file] of this.libraries) {
      if (path.endsWith("/" + name)) return this.opened.push(this.load(file)) - 1;
    }
    return 0;
  }

  register(exports, base) {
    for (const [name, value] of Object.entries(exports)) {
      if (typeof value === "function") {
        if (!this.functions.has(name)) this.functions.set(name, value);
      } else if (value instanceof WebAssembly.Global && !this.addresses.has(name)) {
        this.addresses.set(name, value.value + base);
      }
    }
  }

  slot(target) {
    if (!target) return 0;
    if (!this.slots.has(target)) {
      this.slots.set(target, this.table.grow(1));
      this.table.set(this.slots.get(target), target);
    }
    return this.slots.get(target);
  }

  load(path) {
    const module = new WebAssembly.Module(readFileSync(path));
    const metadata = new Uint8Array(WebAssembly.Module.customSections(module, "dylink.0")[0]);
    const reader = byteReader(metadata);
    reader.number();
    reader.number();
    const [size, alignment, slots] = [reader.number(), reader.number(), reader.number()];
    const memoryBase = this.main.aligned_alloc(Math.max(16, 2 ** alignment), (size + 4095) & ~4095);
    new Uint8Array(this.main.memory.buffer).fill(0, memoryBase, memoryBase + size);
    const tableBase = this.table.grow(slots);
    const global = (value, mutable) => new WebAssembly.Global({ value: "i32", mutable }, value);
    const entries = { "GOT.mem": {}, "GOT.func": {} };
    const got = (kind) => new Proxy({}, {
      has: () => true,
      get: (_, name) => (entries[kind][name] ??= global(0, true)),
    });
    const env = new Proxy({
      memory: this.main.memory, __indirect_function_table: this.table, __stack_pointer: this.main.__stack_pointer,
      __memory_base: global(memoryBase, false), __table_base: global(tableBase, false), __cpp_exception: this.tag,
    }, {
      has: () => true,
      get: (own, name) => own[name] ?? this.functions.get(name) ?? ((...values) => this.call(name, values)),
    });
    const instance = new WebAssembly.Instance(module, { ...this.imports, env, "GOT.mem": got("GOT.mem"), "GOT.func": got("GOT.func") });
    this.register(instance.exports, memoryBase);
    for (let slot = tableBase; slot < tableBase + slots; slot++) {
      if (this.table.get(slot)) this.slots.set(this.table.get(slot), slot);
    }
    for (const [name, entry] of Object.entries(entries["GOT.mem"])) entry.value = this.addresses.get(name) ?? 0;
    for (const [name, entry] of Object.entries(entries["GOT.func"])) entry.value = this.slot(this.functions.get(name));
    instance.exports.__wasm_apply_data_relocs?.();
    (instance.exports.__wasm_call_ctors ?? instance.exports._initialize)?.();
    return instance.exports;
  }
}
