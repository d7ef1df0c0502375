import WebAssemblyFormat

/// The abbreviations of units, and what to do with their entries.
///
/// A class, as units may share one.
final class EntryTable: Sendable {
  let abbreviations: DwarfAbbreviations
  let plan: EntryPlan

  init(_ abbreviations: DwarfAbbreviations, _ header: DwarfUnitHeader) throws(FormatError) {
    plan = try EntryPlan(abbreviations, header)
    self.abbreviations = abbreviations
  }
}

/// What to do with the values of an entry's attributes, worked out once for each abbreviation of a unit: an entry has a
/// dozen of them, a library a million entries, and of most attributes only the length matters.
struct EntryPlan: Sendable {
  enum Step: Sendable {
    /// So many bytes that mean the same everywhere.
    case bytes(Int)
    case number
    case string
    case block(lengthWidth: Int)
    case expression(lengthWidth: Int)
    /// An offset into a section.
    case offset(DebugSection, width: Int)
    /// The offset of a sequence of lines.
    case sequence(width: Int)
    case code(CodeAttribute)
    /// An index into the unit's addresses, in LEB128 for width 0.
    case codeIndex(width: Int, CodeAttribute)
    /// An address, and how far behind that.
    case codeSum(DwarfForm, CodeAttribute)
    /// A number of bytes from where the entry begins, in LEB128 for width 0.
    case length(width: Int)
    /// The same, where it is written in the abbreviation.
    case constantLength(Int64)
    /// The offset of a list of ranges or of locations.
    case list(DebugSection, width: Int)
    case listIndex(DebugSection)
    /// The type of a template's argument, as an offset in the unit.
    case type(width: Int)
    /// The form of the attribute stands in front of its value.
    case indirect(UInt16)
  }

  enum CodeAttribute { case low, high, other }

  struct Entry {
    /// Indices of its first step and of what follows its last one.
    var first: UInt32
    var end: UInt32
    /// How many bytes behind the last of them mean the same everywhere.
    var rest: UInt32
    /// Whether it is the argument of a template, whose address may be that of a function.
    var isTemplateArgument: Bool
    var hasChildren: Bool
    /// Whether some values mean something only together, as where code begins and how long it is.
    var waits: Bool
  }

  /// Each behind so many bytes that mean the same everywhere.
  private(set) var steps: [(ahead: UInt32, step: Step)] = []
  private(set) var entries: [Entry] = []

  init(_ table: DwarfAbbreviations, _ header: DwarfUnitHeader) throws(FormatError) {
    for abbreviation in table.abbreviations {
      let (start, isTemplateArgument) = (steps.count, abbreviation.tag == DwarfTag.templateValueParameter)
      var (bytes, waits) = (0, isTemplateArgument)
      for attribute in table.attributes[abbreviation.attributes] {
        let step = try EntryPlan.step(
          attribute.name, attribute.form, attribute.constant, header, isTemplateArgument)
        if case .bytes(let count) = step {
          bytes += count
        } else if case .constantLength = step, steps[start...].contains(where: { $0.step.isConstantLength }) {
          // One of them says where the code ends. They take no bytes, so nothing else would bound how many there are.
          throw FormatError("an abbreviation has two lengths of code", at: header.start)
        } else {
          steps.append((UInt32(clamping: bytes), step))
          bytes = 0
          waits = waits || step.waits
        }
      }
      entries.append(
        Entry(
          first: UInt32(start), end: UInt32(steps.count), rest: UInt32(clamping: bytes),
          isTemplateArgument: isTemplateArgument, hasChildren: abbreviation.hasChildren, waits: waits))
    }
  }

  /// What to do with the value of an attribute.
  static func step(
    _ name: UInt16, _ form: DwarfForm, _ constant: Int64, _ header: DwarfUnitHeader, _ isTemplateArgument: Bool = false
  ) throws(FormatError) -> Step {
    switch form {
    case .address: return .code(codeAttribute(name))
    case .stringOffset: return .offset(.strings, width: header.offsetSize)
    case .lineStringOffset: return .offset(.lineStrings, width: header.offsetSize)
    case .referenceAddress:
      return .offset(.info, width: header.version == 2 ? header.addressSize : header.offsetSize)
    case .rangeListIndex: return .listIndex(.rangeLists)
    case .locationListIndex: return .listIndex(.locationLists)
    case .expression where isCode(name): return .codeSum(form, codeAttribute(name))
    case .expression: return .expression(lengthWidth: 0)
    case .indirect: return .indirect(name)
    case .implicitConstant where isLength(name): return .constantLength(constant)
    case .sectionOffset: return try sectionOffset(name, header.offsetSize, header)
    case .data4 where header.version < 4 && isSectionPointer(name): return try sectionOffset(name, 4, header)
    case .data8 where header.version < 4 && isSectionPointer(name): return try sectionOffset(name, 8, header)
    default: break
    }
    switch form.layout {
    case .number where form.isAddressIndex: return .codeIndex(width: 0, codeAttribute(name))
    case .number where isLength(name): return .length(width: 0)
    case .number: return .number
    case .bytes(let width) where form.isAddressIndex: return .codeIndex(width: width, codeAttribute(name))
    case .bytes(let width) where width > 0 && isLength(name): return .length(width: width)
    case .bytes(let width) where isTemplateArgument && name == DwarfAttribute.type && width <= 8:
      return .type(width: width)
    case .bytes(let width): return .bytes(width)
    case .string: return .string
    case .block where isCode(name): return .codeSum(form, codeAttribute(name))
    case .block(let width):
      return DwarfAttribute.locations.contains(name) ? .expression(lengthWidth: width) : .block(lengthWidth: width)
    case .offset: return .bytes(header.offsetSize)
    case .address: return .code(codeAttribute(name))
    case .sum: return .codeSum(form, codeAttribute(name))
    case .indirect: return .indirect(name)
    }
  }

  /// Whether the value is an address of code, in whatever way it is said.
  private static func isCode(_ name: UInt16) -> Bool {
    switch name {
    case DwarfAttribute.lowPC, DwarfAttribute.highPC, DwarfAttribute.entryPC, DwarfAttribute.callReturnPC,
      DwarfAttribute.callPC:
      true
    default: false
    }
  }

  private static func codeAttribute(_ name: UInt16) -> CodeAttribute {
    switch name {
    case DwarfAttribute.lowPC: .low
    case DwarfAttribute.highPC: .high
    default: .other
    }
  }

  /// Whether a number is a distance from where the entry begins.
  private static func isLength(_ name: UInt16) -> Bool {
    name == DwarfAttribute.highPC || name == DwarfAttribute.entryPC
  }

  /// Whether a number of four or eight bytes is an offset into a section, before there was a form for that.
  private static func isSectionPointer(_ name: UInt16) -> Bool {
    switch name {
    case DwarfAttribute.statementList, DwarfAttribute.macroInformation, DwarfAttribute.ranges,
      DwarfAttribute.llvmStatementSequence:
      true
    case DwarfAttribute.memberLocation: false
    default: DwarfAttribute.locations.contains(name)
    }
  }

  private static func sectionOffset(
    _ name: UInt16, _ width: Int, _ header: DwarfUnitHeader
  ) throws(FormatError) -> Step {
    let isNew = header.version >= 5
    switch name {
    case DwarfAttribute.statementList: return .offset(.line, width: width)
    case DwarfAttribute.llvmStatementSequence: return .sequence(width: width)
    case DwarfAttribute.macroInformation: return .offset(.macroInformation, width: width)
    case DwarfAttribute.macros, DwarfAttribute.gnuMacros: return .offset(.macros, width: width)
    case DwarfAttribute.stringOffsetsBase: return .offset(.stringOffsets, width: width)
    case DwarfAttribute.addressBase, DwarfAttribute.gnuAddressBase: return .offset(.addresses, width: width)
    case DwarfAttribute.rangeListsBase: return .offset(.rangeLists, width: width)
    case DwarfAttribute.gnuRangesBase: return .offset(.ranges, width: width)
    case DwarfAttribute.locationListsBase: return .offset(.locationLists, width: width)
    case DwarfAttribute.ranges, DwarfAttribute.startScope:
      return .list(isNew ? .rangeLists : .ranges, width: width)
    default:
      guard DwarfAttribute.locations.contains(name) else {
        throw FormatError(
          "attribute 0x\(String(name, radix: 16)) is an offset into a section that is not known", at: header.start)
      }
      return .list(isNew ? .locationLists : .locations, width: width)
    }
  }
}

extension EntryPlan.Step {
  fileprivate var isConstantLength: Bool {
    if case .constantLength = self { return true }
    return false
  }

  /// Whether it is not done before the whole entry is read.
  fileprivate var waits: Bool {
    switch self {
    case .code, .codeIndex, .codeSum, .length, .constantLength, .type, .indirect: true
    case .bytes, .number, .string, .block, .expression, .offset, .sequence, .list, .listIndex: false
    }
  }
}

/// The attributes whose values are more than bytes (DWARF 5, 7.5.4).
enum DwarfAttribute {
  static let statementList: UInt16 = 0x10
  static let lowPC: UInt16 = 0x11
  static let highPC: UInt16 = 0x12
  static let startScope: UInt16 = 0x2C
  static let memberLocation: UInt16 = 0x38
  static let macroInformation: UInt16 = 0x43
  static let type: UInt16 = 0x49
  static let entryPC: UInt16 = 0x52
  static let ranges: UInt16 = 0x55
  static let stringOffsetsBase: UInt16 = 0x72
  static let addressBase: UInt16 = 0x73
  static let rangeListsBase: UInt16 = 0x74
  static let macros: UInt16 = 0x79
  static let callReturnPC: UInt16 = 0x7D
  static let callPC: UInt16 = 0x81
  static let locationListsBase: UInt16 = 0x8C
  static let gnuMacros: UInt16 = 0x2119
  static let gnuRangesBase: UInt16 = 0x2132
  static let gnuAddressBase: UInt16 = 0x2133
  /// Where the lines of a function are in the program of its unit.
  static let llvmStatementSequence: UInt16 = 0x3E0C
  /// The name of the file that a skeleton of version 4 stands for.
  static let gnuUnitName: UInt16 = 0x2130

  /// Those whose value is an expression, or a list of such: `DW_AT_location`, `DW_AT_string_length`, `DW_AT_return_addr`,
  /// `DW_AT_data_member_location`, `DW_AT_frame_base`, `DW_AT_segment`, `DW_AT_static_link`, `DW_AT_use_location`,
  /// `DW_AT_vtable_elem_location`, and what a call site says of its values.
  static let locations: Set<UInt16> = [
    0x02, 0x19, 0x2A, 0x38, 0x40, 0x46, 0x48, 0x4A, 0x4D, 0x7E, 0x7F, 0x83, 0x84, 0x85, 0x86, 0x2111, 0x2112, 0x2113,
    0x2114,
  ]
}

/// The tags that matter (DWARF 5, 7.5.1).
enum DwarfTag {
  static let pointerType: UInt16 = 0x0F
  static let referenceType: UInt16 = 0x10
  static let subroutineType: UInt16 = 0x15
  static let typedef: UInt16 = 0x16
  static let constantType: UInt16 = 0x26
  static let templateValueParameter: UInt16 = 0x30
  static let volatileType: UInt16 = 0x35
  static let rvalueReferenceType: UInt16 = 0x42
}
