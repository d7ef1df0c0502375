import Foundation
import SolderLinker

/// Links sets of modules in this process and has `Tests/Tools/separate_instantiation.py` compare the results with what an
/// engine does that instantiates the modules one by one.
struct ModuleSetJudge: Sendable {
  struct Verdict: Codable, Sendable {
    var seed: UInt64
    var outcome: String
    var detail: String

    var isDifference: Bool { outcome == "differs" }
    /// What kind of difference it is, for the minimiser.
    var kind: String {
      if detail.contains(" separately, ") { return "an observation" }
      // Without paths and numbers, which differ from set to set.
      return detail.split(separator: " ").filter { !$0.contains("/") }.joined(separator: " ").filter { !$0.isNumber }
    }
  }

  struct Case: Codable, Sendable {
    struct Module: Codable, Sendable {
      var name: String
      var bytes: String
    }

    struct Host: Codable, Sendable {
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

  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Links a set.
  func link(_ set: ModuleSet, seed: UInt64) throws -> Case {
    let builders = set.builders()
    var names: [String] = []
    var modules: [Case.Module] = []
    for place in set.order {
      guard let builder = builders[place] else { continue }
      let bytes = builder.bytes
      try folder.write(bytes, to: set.modules[place].fileName)
      names.append(set.modules[place].fileName)
      modules.append(.init(name: set.modules[place].importName, bytes: Data(bytes).base64EncodedString()))
    }
    let run = LinkInProcess(names, set.words, in: folder.path)
    return Case(
      seed: seed, modules: modules, hosts: set.hosts.map(\.description),
      result: run.bytes.map { Data($0).base64EncodedString() }, errors: run.errors,
      calls: set.calls.map { [.name($0.name)] + $0.arguments.map { .number($0) } })
  }

  func verdict(_ set: ModuleSet, seed: UInt64) async throws -> Verdict {
    let verdicts = try await WebAssemblyHost.shared.judge([link(set, seed: seed)])
    guard let verdict = verdicts.first else { throw ToolFailure("no verdict") }
    return verdict
  }

  /// The verdicts of the sets of these seeds.
  ///
  /// - Parameter isAt: is told each seed before its set is linked, in case the linker brings the process down.
  func verdicts(_ seeds: Range<UInt64>, isAt: (UInt64) throws -> Void) async throws -> [Verdict] {
    let cases = try seeds.map { seed in
      try isAt(seed)
      return try link(ModuleSet(seed: seed), seed: seed)
    }
    return try await WebAssemblyHost.shared.judge(cases)
  }

  /// The least that is left of a set when whatever does not matter for this difference is taken away.
  func minimised(_ set: ModuleSet, _ verdict: Verdict) async throws -> (ModuleSet, Verdict) {
    var last = verdict
    let best = try await set.minimised { smaller in
      let next = try await self.verdict(smaller, seed: verdict.seed)
      guard next.isDifference, next.kind == verdict.kind else { return false }
      last = next
      return true
    }
    return (best, last)
  }

  /// The least of a set that brings the linker down, which runs in a process of its own here.
  func minimisedCrash(_ set: ModuleSet) async throws -> ModuleSet {
    try await set.minimised { smaller in
      for (index, builder) in smaller.builders() {
        try folder.write(builder.bytes, to: smaller.modules[index].fileName)
      }
      let run = try await execute(Solder.path, smaller.words + ["-o", "result.wasm"], in: folder.path)
      return if case .exit = run.ending { false } else { true }
    }
  }
}

extension ModuleSet.Host {
  fileprivate var description: ModuleSetJudge.Case.Host {
    var result = ModuleSetJudge.Case.Host(name: name, kind: "\(type.kind)")
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

extension ModuleSet {
  typealias Reduction = (inout ModuleSet) -> Bool

  /// The least that is left when everything is left out without which `matters` still holds.
  func minimised(_ matters: (ModuleSet) async throws -> Bool) async throws -> ModuleSet {
    var best = self
    var isSmaller = true
    while isSmaller {
      isSmaller = false
      for change in best.reductions {
        var smaller = best
        guard change(&smaller), smaller.modules.contains(where: { !$0.isRemoved }), try await matters(smaller) else {
          continue
        }
        best = smaller
        isSmaller = true
      }
    }
    return best
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
