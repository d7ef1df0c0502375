import WebAssemblyFormat

/// Gives the functions that have the further slots of others their calls, which are tail calls where the library has such.
///
/// Afterwards their unit is an object like others.
struct ForwarderPass {
  private var resolution: Resolution

  init(_ resolution: consuming Resolution) { self.resolution = resolution }

  consuming func run() -> Resolution {
    guard let place = resolution.forwarders else { return resolution }
    let libraries = Set(place.maker.forwarders.map(\.unit)).filter { resolution.units[$0].hasTailCalls }
    let (module, relocations) = place.maker.make(tailCalling: libraries)
    resolution.replace(place.unit, by: module, relocations, targets: [])
    return resolution
  }
}

extension Unit {
  /// Whether code of a finished module has tail calls.
  fileprivate var hasTailCalls: Bool {
    functionRelocations.contains { range in
      relocations[range.indices].contains { edit in
        guard edit.encoding == .operand, edit.kind == .functionIndexLEB || edit.kind == .typeIndexLEB else {
          return false
        }
        return Opcode(rawValue: UInt16(file.bytes[Int(edit.offset) - 1])).isTailCall
      }
    }
  }
}
