import WebAssemblyFormat

/// The sections of debug information that refer to code, to data, or to each other (DWARF 5, B). All others are copied.
enum DebugSection: Int, CaseIterable {
  case info, types, abbreviations, line, strings, lineStrings, stringOffsets, addresses
  case ranges, rangeLists, locations, locationLists
  case addressRanges, names, publicNames, publicTypes, gnuPublicNames, gnuPublicTypes, macros, macroInformation, frame

  var name: StaticString {
    switch self {
    case .info: ".debug_info"
    case .types: ".debug_types"
    case .abbreviations: ".debug_abbrev"
    case .line: ".debug_line"
    case .strings: ".debug_str"
    case .lineStrings: ".debug_line_str"
    case .stringOffsets: ".debug_str_offsets"
    case .addresses: ".debug_addr"
    case .ranges: ".debug_ranges"
    case .rangeLists: ".debug_rnglists"
    case .locations: ".debug_loc"
    case .locationLists: ".debug_loclists"
    case .addressRanges: ".debug_aranges"
    case .names: ".debug_names"
    case .publicNames: ".debug_pubnames"
    case .publicTypes: ".debug_pubtypes"
    case .gnuPublicNames: ".debug_gnu_pubnames"
    case .gnuPublicTypes: ".debug_gnu_pubtypes"
    case .macros: ".debug_macro"
    case .macroInformation: ".debug_macinfo"
    case .frame: ".debug_frame"
    }
  }

  /// Whether a section is of debug information that nothing here can bring to other code: whatever is new. Sections of
  /// split units only speak of their own file.
  static func isUnknown(_ name: ByteString) -> Bool {
    name.hasPrefix(".debug_") && !name.hasSuffix(".dwo") && DebugSection(name) == nil
  }

  /// The one with that name.
  init?(_ name: ByteString) {
    guard let section = DebugSection.allCases.first(where: { name == $0.name }) else { return nil }
    self = section
  }
}

/// One of those sections in a file. What is read of it has offsets that count from its first byte.
struct DebugContent: Sendable {
  let section: DebugSection
  /// Index among the unit's custom sections.
  let index: Int
  let bytes: ByteReader
}
