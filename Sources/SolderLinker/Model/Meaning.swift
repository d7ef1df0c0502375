/// What a symbol stands for, in its unit and in the link.
///
/// Definitions are counted by unit until all names are resolved, and over all units from then on; see
/// ``ResolvePass/numberDefinitions()``.
enum Meaning: Hashable {
  /// Nothing defines it, and no import: data, or a name that only the command line knows.
  case undefined
  /// Nothing defines it; its unit imports it.
  case imported(ImportIndex)
  /// Nothing in the link defines it yet; a lazy file (an archive's member, say) would.
  case lazy(LazyFileID)
  /// Another symbol of the unit: a library exports an import under a name of its own.
  case alias(SymbolIndex)
  /// Data at an address that no segment decides.
  case absolute
  /// A definition of the symbol's kind: a function, global, tag or table, a segment, a custom section.
  case defined(DefinitionIndex)
}
