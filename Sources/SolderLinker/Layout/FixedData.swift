import WebAssemblyFormat

// Data that lies where its module says.

/// An active data segment at an address that is known.
struct FixedData {
  let unit: Unit
  /// Index of the segment in the unit.
  let segment: Int
  /// Index of the memory in the result.
  let memory: OutputMemoryIndex
  let start: UInt64
  let end: UInt64

  /// All of them, of units that are in the result.
  static func find(_ resolution: Resolution, _ live: Liveness) -> [FixedData] {
    var found: [FixedData] = []
    var values = KnownGlobals(resolution)
    for unit in resolution.inLinkOrder where unit.contracts.keepsPlaces {
      for (index, segment) in unit.segments.enumerated() where live.segments[unit.bases.segment + index] {
        let (memory, start): (MemoryIndex, UInt64)
        switch segment.placement {
        case .absolute(let address): (memory, start) = (unit.contracts.memoryOfFixedData, address)
        case .kept(let own, let offset):
          guard let address = values.address(offset, in: unit) else { continue }
          (memory, start) = (own, unit.module.memoryLimits(own).is64 ? address : address & 0xFFFF_FFFF)
        case .free, .inside, .passive: continue
        }
        let (end, overflow) = start.addingReportingOverflow(segment.size)
        found.append(
          FixedData(
            unit: unit, segment: index, memory: resolution.memories.index(of: memory, in: unit), start: start,
            end: overflow ? .max : end))
      }
    }
    return found
  }

  /// The segment and where it lies, for messages.
  var text: String {
    let name = unit.segments[segment].name
    return "data segment \(name.isEmpty ? "\(segment)" : name.description) at [\(start), \(end))"
  }

  /// Two modules' data in one place: whichever comes later would overwrite the other's.
  static func reportOverlaps(_ all: [FixedData], _ diagnostics: Diagnostics) {
    let sorted = all.filter { $0.start < $0.end }.sorted { ($0.memory, $0.start) < ($1.memory, $1.start) }
    // Of each memory, the two segments of different units that reach furthest.
    var furthest: [FixedData] = []
    for data in sorted {
      if furthest.first?.memory != data.memory { furthest = [] }
      if let other = furthest.first(where: { $0.unit !== data.unit }), other.end > data.start {
        return diagnostics.error(
          "\(other.unit.file.displayName): \(other.text) and \(data.text) of \(data.unit.file.displayName) overlap in one "
            + "memory (build one of the two for other addresses)", .memory, in: other.unit.file.displayName,
          data.unit.file.displayName)
      }
      if let own = furthest.firstIndex(where: { $0.unit === data.unit }) {
        if furthest[own].end < data.end { furthest[own] = data }
      } else {
        furthest.append(data)
      }
      furthest.sort { $0.end > $1.end }
      furthest.removeLast(max(0, furthest.count - 2))
    }
  }
}

/// What immutable globals hold, as far as no host and no layout decides it.
struct KnownGlobals {
  private var numbers: GlobalNumbers

  init(_ resolution: Resolution) {
    numbers = GlobalNumbers(resolution) { place in
      let unit = resolution.units[place.unit]
      let isDecided = unit.lifted?.memory.isDecidedByLayout(unit.globalImports.count + place.global) ?? true
      return isDecided ? .nobody : .module
    }
  }

  /// The value of a constant expression.
  mutating func address(_ expression: Fragment, in unit: Unit) -> UInt64? {
    unit.contracts.isRecovered ? numbers.number(of: expression, in: unit.index) : nil
  }
}
