/// What became larger or smaller between two reports.
package struct SizeDifference: Sendable {
  /// Something with its bytes before and afterwards; 0 where it was not there.
  package struct Line: Equatable, Sendable {
    package var name: String
    package var old: Int
    package var new: Int

    package var growth: Int { new - old }
  }

  package let old: Int
  package let new: Int
  package let sections: [Line]
  /// By file, or member of an archive.
  package let units: [Line]
  package let items: [Line]

  /// Compares what two reports say of the same program. Files are the same if their names are, wherever they are, and so
  /// are the things in them.
  package init(_ old: SizeReport, _ new: SizeReport) {
    self.old = old.size
    self.new = new.size
    sections = SizeDifference.compare(old, new, SizeDifference.sections)
    units = SizeDifference.compare(old, new, SizeDifference.units)
    items = SizeDifference.compare(old, new, SizeDifference.items)
  }

  /// Lines that differ, those that changed most first; equal changes in the order of names.
  private static func compare(
    _ old: SizeReport, _ new: SizeReport, _ sizes: (SizeReport) -> [String: Int]
  ) -> [Line] {
    let (before, after) = (sizes(old), sizes(new))
    return Set(before.keys).union(after.keys).map { name in
      // What is not in a report has no bytes there.
      Line(name: name, old: before[name] ?? 0, new: after[name] ?? 0)
    }
    .filter { $0.growth != 0 }
    .sorted { (-abs($0.growth), $0.name) < (-abs($1.growth), $1.name) }
  }

  private static func sections(_ report: SizeReport) -> [String: Int] {
    var sizes: [String: Int] = [:]
    for section in report.sections { sizes[section.name, default: 0] += section.size }
    return sizes
  }

  private static func units(_ report: SizeReport) -> [String: Int] {
    var sizes: [String: Int] = [:]
    for item in report.items { sizes[shortName(of: item, report), default: 0] += item.size }
    return sizes
  }

  private static func items(_ report: SizeReport) -> [String: Int] {
    var sizes: [String: Int] = [:]
    for item in report.items where item.size != 0 {
      let section = item.section.map { report.sections[$0].name }
      let name = item.kind == .structure ? "\(section ?? "") \(item.name)" : item.name
      sizes["\(name) [\(shortName(of: item, report))]", default: 0] += item.size
    }
    return sizes
  }

  /// The unit without folders, which change from one machine to the next.
  private static func shortName(of item: SizeReport.Item, _ report: SizeReport) -> String {
    guard let unit = item.unit.map({ report.units[$0] }) else { return "(linker)" }
    let file = unit.file.split(separator: "/").last.map(String.init) ?? unit.file
    return SizeReport.Input(file: file, member: unit.member).displayName
  }

  /// How many lines of a list are shown.
  private static let most = 30

  /// What a person reads: totals, then what changed most.
  package var text: String {
    var lines = [SizeDifference.row(Line(name: "total", old: old, new: new))]
    for (title, list) in [("sections", sections), ("files", units), ("functions, data and others", items)] {
      guard !list.isEmpty else { continue }
      lines.append("\n\(title):\n")
      lines += list.prefix(SizeDifference.most).map(SizeDifference.row)
      let rest = list.dropFirst(SizeDifference.most)
      if !rest.isEmpty {
        let (old, new) = rest.reduce((0, 0)) { ($0.0 + $1.old, $0.1 + $1.new) }
        lines.append(SizeDifference.row(Line(name: "\(rest.count) more", old: old, new: new)))
      }
    }
    return lines.joined()
  }

  private static func row(_ line: Line) -> String {
    func padded(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.utf8.count)) + text
    }
    let growth = (line.growth > 0 ? "+" : "") + String(line.growth)
    let note = line.old == 0 && line.new != 0 ? " (new)" : line.new == 0 && line.old != 0 ? " (gone)" : ""
    return padded(growth, 10) + padded(String(line.old), 10) + padded(String(line.new), 10) + "  \(line.name)\(note)\n"
  }
}
