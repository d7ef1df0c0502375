/// Symbol names as compilers make them: plain C names and Itanium-mangled C++ names that demangle.
enum Names {
  private static let namespaces = [
    "engine", "core", "net", "storage", "ui", "codec", "index", "query", "audio", "render", "sched", "crypto",
  ]
  private static let nouns = [
    "Session", "Buffer", "SceneNode", "Parser", "Packet", "Cursor", "Table", "Layer", "Channel", "Document", "Token",
    "Record", "Registry", "Texture", "Stream", "Region", "Schema", "Worker", "Journal", "Matrix",
  ]
  private static let verbs = [
    "update", "parse", "encode", "resolve", "append", "flush", "compute", "insert", "visit", "reset", "merge", "load",
    "schedule", "advance", "validate", "lookup",
  ]
  private static let objects = [
    "Header", "Layout", "Entry", "Range", "State", "Bounds", "Queue", "Children", "Checksum", "Options", "Frame",
    "Offsets",
  ]

  private static func counted(_ text: String) -> String { "\(text.utf8.count)\(text)" }

  /// The class of file `file`, nested in a namespace, without the enclosing `N` and `E`.
  static func className(_ seed: UInt64, _ number: Int) -> String {
    let key = hash(seed, number, 1)
    return counted(namespaces[key % namespaces.count]) + counted(nouns[key / 64 % nouns.count] + "\(number)")
  }

  /// Function `function` of file `file`: a method in `cxxPercent` of the files, else a C function.
  static func function(_ seed: UInt64, _ file: Int, _ function: Int, parameters: String, cxxPercent: Int) -> String {
    let key = hash(seed, file, function, 2)
    let verb = verbs[key % verbs.count]
    let object = objects[key / 64 % objects.count]
    guard hash(seed, file, 3) % 100 < cxxPercent else {
      let fileKey = hash(seed, file, 1)
      let prefix = namespaces[fileKey % namespaces.count]
      return "\(prefix)\(file)_\(verb)_\(object.lowercased())_\(function)"
    }
    let method = counted("\(verb)\(object)\(function)")
    let const = key / 4096 % 4 == 0 ? "K" : ""
    let tail = ["RKS0_", "PKc", "PS0_", "", "OS0_j"][key / 65536 % 5]
    let all = parameters + tail
    return "_ZN\(const)\(className(seed, file))\(method)E\(all.isEmpty ? "v" : all)"
  }

  /// Data of file `file`.
  static func data(_ seed: UInt64, _ file: Int, _ index: Int, cxxPercent: Int) -> String {
    let key = hash(seed, file, index, 4)
    let name = "\(objects[key % objects.count].lowercased())_\(verbs[key / 64 % verbs.count])s\(index)"
    guard hash(seed, file, 3) % 100 < cxxPercent else { return "\(name)_\(file)" }
    return "_ZN\(className(seed, file))\(counted(name))E"
  }

  /// A string literal; a part of them is the same in many files.
  static func literal(_ seed: UInt64, _ file: Int, _ index: Int) -> String {
    var key = hash(seed, file, index, 5)
    if key % 5 < 2 { key = hash(seed, key / 8 % 4096, 0, 6) }
    var random = Random(UInt64(key))
    let words = (0..<(1 + random.below(7))).map { _ in
      random.chance(percent: 50) ? random.element(of: verbs) : random.element(of: objects).lowercased()
    }
    let ends = ["\n", ": %s", ": %d of %d\n", "", "!", " (%p)", "."]
    return words.joined(separator: " ") + (key % 3 == 0 ? " \(key % 9973)" : "") + random.element(of: ends)
  }

  // MARK: Class templates

  private static let methods = [
    "push_back", "__emplace_back_slow_path", "insert", "erase", "size", "reserve", "__move_range", "__destroy_at_end",
    "__recommend", "assign", "__throw_length_error", "swap",
  ]

  /// The instantiation number `number` of a class template, without the enclosing `N` and `E`. In all of them the
  /// namespace is substitution `S_`, the template `S0_`.
  static func instantiation(_ seed: UInt64, _ number: Int) -> String {
    let element = "N\(className(seed, number))E"
    switch number % 4 {
    case 0: return "St3__26vectorI\(element)NS_9allocatorIS2_EEE"
    case 1: return "St3__210unique_ptrI\(element)NS_14default_deleteIS2_EEE"
    case 2:
      return "St3__213unordered_mapIj\(element)NS_4hashIjEENS_8equal_toIjEENS_9allocatorINS_4pairIKjS2_EEEEE"
    default:
      return "St3__26vectorINS_4pairIKNS_12basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEE\(element)EENS5_ISB_EEE"
    }
  }

  static func method(_ seed: UInt64, _ number: Int, _ method: Int) -> String {
    let prefix = instantiation(seed, number)
    let name = counted(methods[method % methods.count] + (method < methods.count ? "" : "\(method / methods.count)"))
    switch method % 4 {
    case 1: return "_ZN\(prefix)\(name)B8ne190102IJRKjEEEPjDpOT_"
    case 2: return "_ZNK\(prefix)\(name)B8ne190102Ev"
    default: return "_ZN\(prefix)\(name)ERKjPNS_9allocatorIjEE"
    }
  }
}
