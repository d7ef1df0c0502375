import Foundation

extension ModuleSet: JudgedSet {
  typealias Reduction = (inout ModuleSet) -> Bool

  struct Question: Encodable, Sendable {
    struct Module: Encodable, Sendable {
      var name: String
      var bytes: String
    }

    struct Host: Encodable, Sendable {
      var name: String
      var kind: String
      var types: [String] = []
      var parameters = 0
      var mutable = false
      var minimum: UInt64 = 0
      var maximum: UInt64?
    }

    var seed: UInt64
    var modules: [Module]
    var hosts: [Host]
    var result: String?
    var errors: [String]
    var calls: [[WebAssemblyHost.Word]]
  }

  var isEmpty: Bool { modules.allSatisfy(\.isRemoved) }

  func question(_ seed: UInt64, _ files: [String: [UInt8]], _ run: LinkInProcess) -> JudgeQuestion {
    .modules(
      Question(
        seed: seed,
        modules: order.filter { !modules[$0].isRemoved }.map { place in
          let module = modules[place]
          return .init(
            name: module.importName, bytes: Data(files[module.fileName] ?? []).base64EncodedString())
        }, hosts: hosts.map(\.description), result: run.bytes.map { Data($0).base64EncodedString() },
        errors: run.errors, calls: calls.map(\.words)))
  }

  /// All ways to leave out one thing; each says whether it changed anything.
  var reductions: [Reduction] {
    var result: [Reduction] = []
    for index in modules.indices {
      result.append { set in
        defer { set.modules[index].isRemoved = true }
        return !set.modules[index].isRemoved
      }
    }
    result.append { set in
      defer { set.calls = [] }
      return !set.calls.isEmpty
    }
    result.append { set in
      defer { set.options = [] }
      return !set.options.isEmpty
    }
    for call in calls.indices.reversed() {
      result.append { set in
        guard call < set.calls.count else { return false }
        set.calls.remove(at: call)
        return true
      }
    }
    for (index, module) in modules.enumerated() where !module.isRemoved {
      result.append { set in
        defer { set.modules[index].start = nil }
        return set.modules[index].start != nil
      }
      result.append { set in
        defer {
          set.modules[index].hasNames = false
          set.modules[index].padsOperands = false
        }
        return set.modules[index].hasNames || set.modules[index].padsOperands
      }
      for place in module.elements.indices {
        result.append { set in
          defer { set.modules[index].elements[place].isRemoved = true }
          return !set.modules[index].elements[place].isRemoved
        }
        result.append { set in set.modules[index].elements[place].functions.popLast() != nil }
      }
      for place in module.data.indices {
        result.append { set in
          defer { set.modules[index].data[place].isRemoved = true }
          return !set.modules[index].data[place].isRemoved
        }
      }
      for place in module.entities.indices {
        result.append { set in
          defer { set.modules[index].entities[place].isRemoved = true }
          return !set.modules[index].entities[place].isRemoved
        }
        result.append { set in set.modules[index].entities[place].exports.popLast() != nil }
        result.append { set in
          if case .zero = set.modules[index].entities[place].initial { return false }
          set.modules[index].entities[place].initial = .zero
          return true
        }
        for step in module.entities[place].body.indices.reversed() {
          result.append { set in
            guard step < set.modules[index].entities[place].body.count else { return false }
            set.modules[index].entities[place].body.remove(at: step)
            return true
          }
        }
      }
    }
    return result
  }

  /// The set for people: what is in each module, and the command line.
  var text: String {
    var lines = [(["solder"] + words).joined(separator: " ")]
    for (index, family) in families.enumerated() { lines.append("family \(index): \(family)") }
    for module in modules where !module.isRemoved {
      lines.append("module \(module.fileName), imported as \(module.importName)")
      for (place, entity) in module.entities.enumerated() where !entity.isRemoved {
        let source = entity.source.map { " from \($0.module).\($0.name)" } ?? ""
        let exports = entity.exports.isEmpty ? "" : " exported as \(entity.exports.joined(separator: ", "))"
        let initial = if case .zero = entity.initial { "" } else { " = \(entity.initial)" }
        lines.append("  \(place) \(entity.type)\(source)\(exports)\(initial)")
        lines += entity.body.map { "      \($0)" }
      }
      if let start = module.start { lines.append("  start \(start)") }
      lines += module.elements.filter { !$0.isRemoved }.map { "  elements \($0.place) \($0.functions)" }
      lines += module.data.filter { !$0.isRemoved }.map { "  data \($0)" }
    }
    lines += calls.map { "call \($0.name) \($0.arguments)" }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension ModuleSet.Host {
  fileprivate var description: ModuleSet.Question.Host {
    var result = ModuleSet.Question.Host(name: name, kind: "\(type.kind)")
    switch type {
    case .function(let signature):
      result.types = (signature.parameters + signature.results).map { "\($0)" }
      result.parameters = signature.parameters.count
    case .table(_, let limits), .memory(let limits):
      result.minimum = limits.minimum
      result.maximum = limits.maximum
    case .global(let value, let isMutable):
      result.types = ["\(value)"]
      result.mutable = isMutable
    case .tag: break
    }
    return result
  }
}
