/// Inputs that are many small things: what each costs must not depend on how many there are.
enum ManyParts {
  /// The files of a shape, by name; what a link names on its command line is called `first.so` or `first.o`.
  static func files(_ shape: String, count: Int) -> [(name: String, bytes: [UInt8])] {
    switch shape {
    case "elements": [("first.so", elements(count))]
    case "sections": [("first.o", sections(count))]
    case "chain": libraries(count) { Array($0 + 1..<max($0 + 1, min(count, $0 + 11))) }
    default: libraries(count) { number in (0..<count).filter { $0 != number } }
    }
  }

  private static func name(_ number: Int) -> String { number == 0 ? "first.so" : "lib\(number).so" }

  private static func libraries(_ count: Int, needs: (Int) -> [Int]) -> [(name: String, bytes: [UInt8])] {
    (0..<count).map { (name($0), library($0, needs: needs($0))) }
  }

  /// A library with a function that calls functions of the first ten libraries that it needs, a constructor, and some data.
  private static func library(_ number: Int, needs: [Int]) -> [UInt8] {
    let called = needs.prefix(10)
    let dylink = custom("dylink.0") { writer in
      subsection(1, [16, 2, 0, 0], &writer)
      var names = ByteWriter()
      names.unsigned(needs.count)
      for needed in needs { names.name(name(needed)) }
      subsection(2, names.bytes, &writer)
    }
    var imports = ByteWriter()
    imports.unsigned(2 + called.count)
    imported("memory", [2, 0, 0], &imports)
    imported("__memory_base", [3, 0x7F, 0], &imports)
    for library in called { imported("f\(library)", [0, 0], &imports) }
    var exports = ByteWriter()
    exports.unsigned(2)
    for (index, export) in ["f\(number)", "__wasm_call_ctors"].enumerated() {
      exports.name(export)
      exports.byte(0)
      exports.unsigned(called.count + index)
    }
    // The first word of the data, and what the others give; and a constructor that sets that word.
    var sum: [UInt8] = [0, 0x23, 0, 0x28, 2, 0]
    if number % 2 == 0 { for index in called.indices { sum += [0x10, UInt8(index - called.startIndex), 0x6A] } }
    var constructor = ByteWriter()
    constructor.append([0, 0x23, 0, 0x41])
    constructor.signed(Int64(number))
    constructor.append([0x36, 2, 0, 0x0B])
    let data: [UInt8] = [1, 0, 0x23, 0, 0x0B, 16] + Array("abcdefghijklmnop".utf8)
    return header + dylink + section(1, [2, 0x60, 0, 1, 0x7F, 0x60, 0, 0]) + section(2, imports.bytes)
      + section(3, [2, 0, 1]) + section(7, exports.bytes) + code([sum + [0x0B], constructor.bytes]) + section(11, data)
  }

  private static func elements(_ count: Int) -> [UInt8] {
    let dylink = custom("dylink.0") { writer in
      var memory = ByteWriter()
      memory.append([0, 0])
      memory.unsigned(count)
      memory.byte(0)
      subsection(1, memory.bytes, &writer)
    }
    var imports = ByteWriter()
    imports.unsigned(2)
    var table = ByteWriter()
    table.append([1, 0x70, 0])
    table.unsigned(count)
    imported("__indirect_function_table", table.bytes, &imports)
    imported("__table_base", [3, 0x7F, 0], &imports)
    var elements = ByteWriter()
    elements.unsigned(count)
    for slot in 0..<count {
      elements.append([0, 0x23, 0, 0x41])
      elements.signed(Int64(slot))
      elements.append([0x6A, 0x0B, 1, 0])
    }
    return header + dylink + section(1, [1, 0x60, 0, 1, 0x7F]) + section(2, imports.bytes) + section(3, [1, 0])
      + section(7, [1, 1, 0x66, 0, 0]) + section(9, elements.bytes) + code([[0, 0x41, 1, 0x0B]])
  }

  private static func sections(_ count: Int) -> [UInt8] {
    var bytes = header
    for number in 0..<count {
      bytes += custom("kept") { writer in
        writer.little32(UInt32(number))
        writer.little32(1)
      }
    }
    return bytes
      + custom("linking") { writer in
        writer.byte(2)
        var groups = ByteWriter()
        groups.unsigned(count)
        for number in 0..<count {
          groups.name("group\(number)")
          groups.append([0, 1, 5])
          groups.unsigned(number)
        }
        subsection(7, groups.bytes, &writer)
        var symbols = ByteWriter()
        symbols.unsigned(count)
        for number in 0..<count {
          symbols.append([3, 2])
          symbols.unsigned(number)
        }
        subsection(8, symbols.bytes, &writer)
      }
  }

  // MARK: Parts

  private static let header: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]

  private static func section(_ identifier: UInt8, _ contents: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    subsection(identifier, contents, &writer)
    return writer.bytes
  }

  private static func subsection(_ identifier: UInt8, _ contents: [UInt8], _ writer: inout ByteWriter) {
    writer.byte(identifier)
    writer.unsigned(contents.count)
    writer.append(contents)
  }

  private static func custom(_ title: String, _ write: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter()
    writer.name(title)
    write(&writer)
    return section(0, writer.bytes)
  }

  private static func imported(_ name: String, _ description: [UInt8], _ writer: inout ByteWriter) {
    writer.name("env")
    writer.name(name)
    writer.append(description)
  }

  private static func code(_ bodies: [[UInt8]]) -> [UInt8] {
    var writer = ByteWriter()
    writer.unsigned(bodies.count)
    for body in bodies {
      writer.unsigned(body.count)
      writer.append(body)
    }
    return section(10, writer.bytes)
  }
}
