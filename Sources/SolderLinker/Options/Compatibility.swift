/// The release of LLVM whose `wasm-ld` Solder behaves like, wherever releases differ.
///
/// This is the one place that knows the differences; passes ask it questions and never compare releases.
public enum Compatibility: Int, Sendable, Comparable, CaseIterable {
  case llvm19 = 19
  case llvm21 = 21
  case llvm22 = 22

  /// The release whose defaults are Solder's own.
  public static let current = Compatibility.llvm22

  public static func < (left: Compatibility, right: Compatibility) -> Bool { left.rawValue < right.rawValue }

  /// Whether the stack lies below the static data when the command line does not say.
  public var placesStackFirst: Bool { self >= .llvm22 }

  /// Whether `--export-all` exports the linker's own mutable globals, such as the stack pointer, when the program uses
  /// mutable globals anyway.
  public var exportsOwnMutableGlobals: Bool { self >= .llvm22 }

  /// Whether `-v` alone ends the run even when there are inputs, as `--version` does, and either before it is looked at
  /// which options exclude each other.
  public var versionFlagStops: Bool { self < .llvm21 }

  /// Whether `__wasm_apply_data_relocs` exists only when it has something to do.
  public var omitsEmptyDataRelocations: Bool { self >= .llvm21 }

  /// Whether data is relocated by way of a global only when the address comes from outside.
  public var relocatesDataFromBase: Bool { self >= .llvm21 }

  /// Whether addresses of thread-local data count from `__tls_base` in results without shared memory too. LLVM 19 had
  /// both the base and the address absolute there, which no program survives that adds them.
  public var countsFromTLSBase: Bool { self >= .llvm21 }

  /// Whether `__wasm_first_page_end` exists.
  public var definesFirstPageEnd: Bool { self >= .llvm21 }

  /// Whether `--import-memory=NAME`, without a comma, names a field of `env`; before, it named a module, the field
  /// being empty.
  public var importMemoryNamesField: Bool { self >= .llvm22 }

  /// Whether the linker's `__stack_pointer` has default visibility, so that `--export-dynamic` exports it too.
  public var stackPointerIsVisible: Bool { self >= .llvm22 }

  /// Whether the one segment of position-independent data ends before the zeros that a new memory has anyway.
  public var trimsZeros: Bool { self >= .llvm21 }

  /// Whether `--emit-relocs` leaves out relocations by symbols that garbage collection removed; before, they named no
  /// valid symbol.
  public var omitsRelocationsOfGarbage: Bool { self >= .llvm21 }

  /// Whether an address that counts from `__memory_base` or `__table_base` has to be one of the result's own.
  public var rejectsRelativeUndefined: Bool { self >= .llvm21 }

  /// Whether a custom section without content is left out.
  public var dropsEmptyCustomSections: Bool { self >= .llvm21 }

  /// Whether messages about sizes that are no whole pages speak of the page size.
  public var namesPageSize: Bool { self >= .llvm21 }

  /// Whether an object between `--start-lib` and `--end-lib` that is linked counts as named by the command line, so that its
  /// constructors run even if nothing else of it is used.
  public var countsLazyObjectsAsNamed: Bool { self < .llvm21 }

  /// Whether only mutable globals count as exported mutable globals; before, all did.
  public var exportsImmutableGlobalsFreely: Bool { self >= .llvm22 }
}
