#if DEBUG
  import WebAssemblyFormat

  /// What has to hold of the link graph before anything of it is written, checked in debug builds: the edits of everything
  /// that lives lie in their fragments, in order and apart, and what each refers to is there, settled and of the right
  /// kind, with an index inside its space.
  struct GraphCheck {
    private let program: Program

    init(_ program: Program) { self.program = program }

    /// Reports what does not hold as internal errors.
    func run() {
      for unit in program.resolution.inLinkOrder {
        let source = RelocatedUnit(unit)
        for (index, function) in unit.functions.enumerated()
        where program.indices.functionIndices[unit.bases.function + index] != .none {
          if program.indices.folds.contains(unit.bases.function + index) { continue }
          check(unit.body(ofFunction: index), of: source, "function '\(function.name)'")
        }
        for (index, segment) in unit.segments.enumerated() where program.live.segments[unit.bases.segment + index] {
          check(unit.segmentRelocations[index], of: source, in: 0..<segment.count, "segment '\(segment.name)'")
          if case .kept(_, let offset) = segment.placement { check(offset, of: source, "segment '\(segment.name)'") }
        }
        for (index, global) in unit.globals.enumerated() where program.live.globals[unit.bases.global + index] {
          check(global.initializer, of: source, "global '\(global.name)'")
        }
        for (index, element) in unit.elements.enumerated() where program.live.elements[unit.bases.element + index] {
          guard case .kept = element.placement else { continue }
          check(element.items, of: source, "element segment \(index)")
          if let offset = element.offset { check(offset, of: source, "offset of element segment \(index)") }
        }
        for (index, table) in unit.tables.enumerated()
        where program.indices.tableIndices[unit.bases.table + index] != .none {
          if let initializer = table.initializer { check(initializer, of: source, "table '\(table.name)'") }
        }
      }
    }

    private func check(_ fragment: Fragment, of source: RelocatedUnit, _ name: @autoclosure () -> String) {
      let start = Int(fragment.start)
      check(fragment.relocations, of: source, in: start..<start + Int(fragment.size), name())
    }

    private func check(
      _ range: RelocationRange, of source: RelocatedUnit, in fragment: Range<Int>, _ name: @autoclosure () -> String
    ) {
      func report(_ edit: Relocation, _ what: String) {
        program.errors.report(
          "\(source.unit.file.displayName): \(edit.kind.conventionalName) at \(edit.offset) of \(name()) \(what)")
      }
      guard range.start <= range.end, Int(range.end) <= source.relocations.count else {
        return program.errors.report("\(source.unit.file.displayName): \(name()) has edits that do not exist")
      }
      var end = fragment.lowerBound
      for edit in source.relocations[range.indices] {
        let place = Int(edit.offset)..<Int(edit.offset) + Int(edit.width)
        if place.lowerBound < end { report(edit, "is out of order, or overlaps the one before it") }
        if place.upperBound > fragment.upperBound { report(edit, "reaches beyond it") }
        end = place.upperBound
        if let problem = problem(of: edit, source) { report(edit, problem) }
      }
    }

    private func problem(of edit: Relocation, _ source: RelocatedUnit) -> String? {
      guard edit.kind.namesSymbol else { return hasTarget(edit, source.unit) ? nil : "refers to what is not there" }
      if edit.isInTableBlock { return nil }
      guard let id = edit.symbol.flatMap({ source.symbolIDs[checked: $0] }) else { return "refers to no symbol" }
      let symbol = program.symbol(id)
      if symbol.state == .lazy { return "refers to '\(symbol.name)', which is still in an archive" }
      guard fits(id, edit) else {
        return "refers to '\(symbol.name)', which is \(program.values[Int(id)].answer)"
      }
      return nil
    }

    /// Whether what an edit is about is in the result, where that is no symbol.
    private func hasTarget(_ edit: Relocation, _ unit: Unit) -> Bool {
      let target = Int(edit.target)
      switch edit.kind {
      case .typeIndexLEB, .signedTypeIndex: return target < unit.typeIDs.count
      case .memoryIndex: return target < unit.memoryImports.count + unit.memories.count
      case .dataIndex:
        return target < unit.segments.count && program.live.segments[unit.bases.segment + target]
      case .elementIndex:
        return target < unit.elements.count && program.live.elements[unit.bases.element + target]
      default: return true
      }
    }

    /// Whether an edit can be written with what a symbol is.
    private func fits(_ id: SymbolID, _ edit: Relocation) -> Bool {
      let value = program.values[Int(id)]
      switch (edit.kind, value.answer) {
      case (_, .absent): return false
      case (.functionIndexLEB, .function(let function)), (.functionIndexI32, .function(let function)):
        let end = program.indices.importCounts.functions + program.indices.functions.count
        return function.index.map { $0 < end } ?? false
      case (.tagIndexLEB, .tag(let index)):
        return index < program.indices.importCounts.tags + program.indices.tags.count
      case (.tableNumberLEB, .table(let index)):
        return index < program.indices.importCounts.tables + program.indices.tables.count
      case (.globalIndexLEB, .global(let index)), (.globalIndexI32, .global(let index)): return index < globalEnd
      case (.globalIndexLEB, .address), (.globalIndexLEB, .threadLocalOffset), (.globalIndexLEB, .undefined):
        return edit.encoding.isGlobalGet || value.addressGlobal.map { $0 < globalEnd } ?? false
      case (.globalIndexLEB, .function), (.globalIndexI32, _):
        return value.addressGlobal.map { $0 < globalEnd } ?? false
      case (.sectionOffsetI32, .section): return true
      case (.functionOffsetI32, .function), (.functionOffsetI64, .function): return true
      case (let kind, .function): return kind.isTableIndex && (value.slot != nil || program.isNullPointer(id))
      case (let kind, .address), (let kind, .threadLocalOffset), (let kind, .undefined), (let kind, .global):
        return kind.isAddress
      case (_, .section), (_, .tag), (_, .table): return false
      }
    }

    private var globalEnd: OutputGlobalIndex {
      let indices = program.indices
      return indices.importCounts.globals
        + (indices.globals.count + indices.addressGlobals.count + indices.exportedAddresses.count)
    }
  }

  extension RelocationKind {
    /// Whether the value is an address of data.
    fileprivate var isAddress: Bool {
      switch self {
      case .memoryAddressLEB, .memoryAddressSLEB, .memoryAddressI32, .memoryAddressRelativeSLEB, .memoryAddressLEB64,
        .memoryAddressSLEB64, .memoryAddressI64, .memoryAddressRelativeSLEB64, .memoryAddressTLSSLEB,
        .memoryAddressLocationRelativeI32, .memoryAddressTLSSLEB64, .constantMemoryAddress, .constantTLSOffset:
        true
      default: false
      }
    }
  }
#endif
