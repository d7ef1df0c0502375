import JSON
import WebAssemblyFormat

/// Why something is no report.
package struct SizeReportError: Error, Equatable {
  package let message: String
}

extension SizeReport {
  private static let format = "solder-size-report"

  /// The report as `--size-report=FILE.json` writes it: a line for each unit, section, item.
  package var json: [UInt8] {
    var output: [UInt8] = []
    func member(_ key: String, _ value: JSONValue) {
      output += Array((output.isEmpty ? "{" : ",\n").utf8)
      JSONValue.string(key).write(to: &output)
      output.append(UInt8(ascii: ":"))
      guard case .array(let elements) = value, !elements.isEmpty else { return value.write(to: &output) }
      for (index, element) in elements.enumerated() {
        output += Array((index == 0 ? "[\n" : ",\n").utf8)
        element.write(to: &output)
      }
      output += Array("]".utf8)
    }
    member("format", .string(SizeReport.format))
    member("version", .number(SizeReport.version))
    member("linker", .string(linker))
    member("output", .string(self.output))
    member("succeeded", .boolean(errors.isEmpty))
    member("errors", .array(errors.map { .string($0) }))
    member("size", .number(size))
    member("units", .array(units.map(\.json)))
    member("sections", .array(sections.map(\.json)))
    member("items", .array(items.map(\.json)))
    member("dropped", .array(dropped.map(\.json)))
    output += Array("}\n".utf8)
    return output
  }

  /// Reads a report.
  ///
  /// - Throws: ``SizeReportError`` with what is wrong.
  package init(json bytes: [UInt8]) throws(SizeReportError) {
    let value: JSONValue
    do throws(FormatError) {
      value = try JSONValue.read(bytes)
    } catch {
      throw SizeReportError(message: "not JSON: \(error.message) (at offset \(error.offset))")
    }
    guard value["format"]?.text == SizeReport.format else {
      throw SizeReportError(message: "not a size report (--size-report=FILE.json writes one)")
    }
    guard value["version"]?.number == SizeReport.version else {
      let version = value["version"]?.number.map(String.init) ?? "none"
      throw SizeReportError(message: "a report of version \(version), where \(SizeReport.version) is known")
    }
    func list<Element>(
      _ key: String, _ read: (JSONValue) -> Element?
    ) throws(SizeReportError) -> [Element] {
      guard let elements = value[key]?.elements else { throw SizeReportError(message: "no '\(key)'") }
      var result: [Element] = []
      for (index, element) in elements.enumerated() {
        guard let read = read(element) else { throw SizeReportError(message: "'\(key)', number \(index), is damaged") }
        result.append(read)
      }
      return result
    }
    guard let output = value["output"]?.text, let linker = value["linker"]?.text, let size = value["size"]?.number
    else {
      throw SizeReportError(message: "no 'output', 'linker' or 'size'")
    }
    self.init(output: output, linker: linker)
    self.size = size
    errors = try list("errors", \.text)
    let units = try list("units", Input.init(json:))
    let sections = try list("sections", Section.init(json:))
    self.units = units
    self.sections = sections
    let count = value["items"]?.elements?.count ?? 0
    items = try list("items") { Item(json: $0, units.count, sections.count, count) }
    dropped = try list("dropped") { Dropped(json: $0, units.count) }
  }
}

/// Members of an object, without those that say nothing.
private func object(_ members: [(String, JSONValue?)]) -> JSONValue {
  .object(members.compactMap { key, value in value.map { (key, $0) } })
}

/// A number, unless it is 0.
private func unlessZero(_ number: Int) -> JSONValue? { number == 0 ? nil : .number(number) }

/// An optional position that has to be one of `count`; `nil` where it is none of them.
private func position(_ value: JSONValue?, of count: Int) -> Int?? {
  guard let value else { return .some(nil) }
  guard let number = value.number, 0..<count ~= number else { return nil }
  return .some(number)
}

extension SizeReport.Input {
  fileprivate var json: JSONValue {
    object([("file", .string(file)), ("member", member.map { .string($0) })])
  }

  fileprivate init?(json: JSONValue) {
    guard let file = json["file"]?.text else { return nil }
    self.init(file: file, member: json["member"]?.text)
  }
}

extension SizeReport.Section {
  fileprivate var json: JSONValue { object([("name", .string(name)), ("size", .number(size))]) }

  fileprivate init?(json: JSONValue) {
    guard let name = json["name"]?.text, let size = json["size"]?.number else { return nil }
    self.init(name: name, size: size)
  }
}

extension SizeReport.Item {
  fileprivate var json: JSONValue {
    let because: JSONValue? =
      switch reason {
      case .root(let text): .string(text)
      case .item(let index): .number(index)
      case nil: nil
      }
    return object([
      ("kind", .string(kind.rawValue)), ("name", .string(name)), ("symbol", symbol.map { .string($0) }),
      ("unit", unit.map { .number($0) }), ("section", section.map { .number($0) }), ("size", unlessZero(size)),
      ("memory", unlessZero(memory)), ("because", because),
    ])
  }

  fileprivate init?(json: JSONValue, _ units: Int, _ sections: Int, _ items: Int) {
    guard let kind = json["kind"]?.text.flatMap(SizeReport.Kind.init(rawValue:)), let name = json["name"]?.text,
      let unit = position(json["unit"], of: units), let section = position(json["section"], of: sections)
    else { return nil }
    self.init(kind, name, symbol: json["symbol"]?.text, unit: unit, section: section)
    size = json["size"]?.number ?? 0
    memory = json["memory"]?.number ?? 0
    switch json["because"] {
    case .string(let text): reason = .root(text)
    case .number(let index):
      guard 0..<items ~= index else { return nil }
      reason = .item(index)
    case nil: reason = nil
    default: return nil
    }
  }
}

extension SizeReport.Dropped {
  fileprivate var json: JSONValue {
    object([
      ("kind", .string(kind.rawValue)), ("name", .string(name)), ("unit", unit.map { .number($0) }),
      ("size", .number(size)), ("reason", .string(reason.rawValue)),
    ])
  }

  fileprivate init?(json: JSONValue, _ units: Int) {
    guard let kind = json["kind"]?.text.flatMap(SizeReport.Kind.init(rawValue:)), let name = json["name"]?.text,
      let unit = position(json["unit"], of: units), let size = json["size"]?.number,
      let reason = json["reason"]?.text.flatMap(Reason.init(rawValue:))
    else { return nil }
    self.init(kind, name, unit: unit, size: size, reason)
  }
}
