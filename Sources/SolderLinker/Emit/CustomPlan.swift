import WebAssemblyFormat

/// Custom sections of the result: those of the inputs with the same name, one behind the other.
struct CustomPlan {
  struct Output {
    var name: ByteString
    /// Unit and index of each input section, with its offset in the content.
    var pieces: [(unit: Unit, index: Int, offset: UInt64)] = []
    var size: UInt64 = 0
    /// Merged strings (`.debug_str`).
    var strings: MergedStrings<LinkCustomSections>?
    var tombstone = Tombstone()
  }

  private(set) var outputs: [Output] = []
  let rewritten: RewrittenSections
  /// Offset of each input section in its output section, and which that is, numbered over all units.
  private var offsets = Row<LinkCustomSections, UInt64>()
  private var outputIndices = Row<LinkCustomSections, PackedIndex<OutputCustomSections>>()

  init() { rewritten = RewrittenSections() }

  /// Collects the custom sections of all units that are part of the result.
  ///
  /// - Parameter rewritten: those that are not copied as they are.
  init(_ resolution: Resolution, _ rewritten: RewrittenSections, _ options: LinkOptions, _ threads: Threads) {
    self.rewritten = rewritten
    let count = resolution.units.reduce(0) { $0 + $1.customSections.count }
    offsets = Row(repeating: 0, count: count)
    outputIndices = Row(repeating: .none, count: count)
    var byName: [ByteString: Int] = [:]
    for unit in resolution.inLinkOrder {
      for (index, section) in unit.customSections.enumerated()
      where !unit.isDiscarded(comdat: section.comdat) && isCopied(section.name, of: unit, options)
        && !rewritten.omits(unit.bases.custom + index)
      {
        let output: Int
        if let found = byName[section.name] {
          output = found
        } else {
          output = outputs.count
          byName[section.name] = output
          outputs.append(Output(name: section.name, tombstone: Tombstone(inSection: section.name, options)))
        }
        outputs[output].pieces.append((unit, index, 0))
      }
    }
    if options.compatibility.dropsEmptyCustomSections {
      outputs.removeAll { $0.pieces.allSatisfy { $0.unit.customSections[$0.index].content.remaining == 0 } }
    }
    for index in outputs.indices { place(index, options, threads) }
  }

  /// Whether a section is copied: the linker makes some itself, and leaves out what would be wrong.
  private func isCopied(_ name: ByteString, of unit: Unit, _ options: LinkOptions) -> Bool {
    if name == "linking" || name == "name" || name == "producers" || name == "target_features" { return false }
    if name.hasPrefix("reloc.") || name == ".llvmbc" || name == ".llvmcmd" || name == "build_id" { return false }
    let isDebug = name.hasPrefix(".debug_")
    if isDebug, options.stripDebug || options.stripAll { return false }
    if isDebug, rewritten.withoutDebugInformation.contains(unit.index) { return false }
    // They would speak of the file, which is not the result.
    if name == "sourceMappingURL" { return false }
    if !unit.contracts.relocatesCustomSections, name == "external_debug_info" { return false }
    // By function index and code offset: joined for a program, and for an object as they are, if those are.
    if name.hasPrefix("metadata.code."), !options.contract.isObject || !unit.contracts.relocatesCustomSections {
      return false
    }
    return true
  }

  private mutating func place(_ index: Int, _ options: LinkOptions, _ threads: Threads) {
    let name = outputs[index].name
    let merges =
      options.optimizationLevel > 0
      && (name == ".debug_str" || name == ".debug_str.dwo" || name == ".debug_line_str")
      // Strings that relocations change are not what they seem.
      && outputs[index].pieces.allSatisfy { $0.unit.customRelocations[$0.index].isEmpty }
    if merges {
      let strings = outputs[index].pieces.map { piece in
        (id: piece.unit.bases.custom + piece.index, bytes: piece.unit.customSections[piece.index].content)
      }
      let merged = MergedStrings(strings, threads)
      for string in strings {
        outputIndices[string.id] = PackedIndex(OutputCustomIndex(index))
      }
      outputs[index].size = UInt64(merged.bytes.count)
      outputs[index].strings = merged
      outputs[index].pieces = []
      return
    }
    for position in outputs[index].pieces.indices {
      let piece = outputs[index].pieces[position]
      let id = piece.unit.bases.custom + piece.index
      outputs[index].pieces[position].offset = outputs[index].size
      offsets[id] = outputs[index].size
      outputIndices[id] = PackedIndex(OutputCustomIndex(index))
      outputs[index].size += UInt64(
        rewritten[id]?.size ?? piece.unit.customSections[piece.index].content.remaining)
    }
  }

  /// Index in ``outputs`` of the section that an input section became part of; `nil` when it was left out.
  func outputIndex(ofSection section: CustomSectionID) -> OutputCustomIndex? { outputIndices[section].index }

  /// Where the byte at `offset` of an input section is in the content of its output section.
  func offset(of offset: UInt64, inSection section: CustomSectionID) -> UInt64 {
    place(ofSection: section).offset(of: offset)
  }

  /// Where an input section went, for whoever asks about many of its bytes.
  func place(ofSection section: CustomSectionID) -> Place {
    guard let output = outputIndices[checked: section]?.index else { return .moved(by: 0) }
    if let strings = outputs[Int(output)].strings {
      return strings.place(of: section).map { .strings($0) } ?? .nowhere
    }
    guard let map = rewritten[section]?.map, !map.changes.isEmpty else { return .moved(by: offsets[section]) }
    return .mapped(offsets[section], map)
  }

  /// Where an input section went.
  enum Place {
    case moved(by: UInt64)
    case mapped(UInt64, OffsetMap)
    case strings(MergedStringPlace)
    /// A section that had no strings to merge.
    case nowhere

    /// Where one of its bytes is in the content of its output section.
    @inline(__always)
    func offset(of offset: UInt64) -> UInt64 {
      switch self {
      case .moved(let distance): distance &+ offset
      case .mapped(let start, let map): start &+ UInt64(map.position(of: UInt32(truncatingIfNeeded: offset)))
      case .strings(let place): place.offset(of: offset)
      case .nowhere: 0
      }
    }
  }
}
