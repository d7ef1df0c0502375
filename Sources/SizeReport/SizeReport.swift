/// What takes the space of a module, byte for byte, why each part of it is there, and what was left out.
///
/// The form in JSON is described in `Docs/SizeReport.md`. This knows nothing of linking: the linker fills it, `solder diff`
/// compares two of them, ``ReportPage`` shows it.
package struct SizeReport: Equatable, Sendable {
  /// A file that was linked, or a member of an archive.
  package struct Input: Equatable, Sendable {
    package var file: String
    /// The member's name, of an archive.
    package var member: String?

    package init(file: String, member: String? = nil) {
      self.file = file
      self.member = member
    }

    /// `libc.a(printf.o)`, or the path.
    package var displayName: String { member.map { "\(file)(\($0))" } ?? file }
  }

  /// A section of the module.
  package struct Section: Equatable, Sendable {
    package var name: String
    /// Bytes with everything in front that says what it is and how long.
    package var size: Int

    package init(name: String, size: Int) {
      self.name = name
      self.size = size
    }
  }

  /// What an item is.
  package enum Kind: String, Sendable {
    case function, data, global, table, tag, element, custom
    /// What is between the others: headers, counts, gaps.
    case structure
  }

  /// Why an item is there.
  package enum Reason: Equatable, Sendable {
    /// It is wanted for itself: an entry, an export, a constructor.
    case root(String)
    /// The item at this position refers to it, on the shortest way from a root.
    case item(Int)
  }

  /// A part of the module.
  package struct Item: Equatable, Sendable {
    package var kind: Kind
    /// The name as a person wrote it.
    package var name: String
    /// The name as files have it, where that is another.
    package var symbol: String?
    /// Where it comes from; `nil` for what the linker made.
    package var unit: Int?
    package var section: Int?
    /// Bytes of the file.
    package var size: Int
    /// Bytes of memory that its data takes; zeros take no bytes of the file.
    package var memory: Int
    package var reason: Reason?

    package init(
      _ kind: Kind, _ name: String, symbol: String? = nil, unit: Int? = nil, section: Int? = nil, size: Int = 0,
      memory: Int = 0, reason: Reason? = nil
    ) {
      self.kind = kind
      self.name = name
      self.symbol = symbol
      self.unit = unit
      self.section = section
      self.size = size
      self.memory = memory
      self.reason = reason
    }
  }

  /// Something that an input has and the module has not.
  package struct Dropped: Equatable, Sendable {
    package enum Reason: String, Sendable {
      /// Nothing reaches it.
      case unused
      /// Another file's copy was taken.
      case duplicate
      /// It does the same as another function, which stands for it.
      case folded
    }

    package var kind: Kind
    package var name: String
    package var unit: Int?
    package var size: Int
    package var reason: Reason

    package init(_ kind: Kind, _ name: String, unit: Int?, size: Int, _ reason: Reason) {
      self.kind = kind
      self.name = name
      self.unit = unit
      self.size = size
      self.reason = reason
    }
  }

  /// Which form of report it is: rises with a change that readers have to know of.
  package static let version = 1

  /// The path of the module.
  package var output: String
  /// The linker that made it.
  package var linker: String
  /// Why there is no module; of a link that failed there are only the files.
  package var errors: [String] = []
  /// Bytes of the module.
  package var size = 0
  package var units: [Input] = []
  package var sections: [Section] = []
  package var items: [Item] = []
  package var dropped: [Dropped] = []

  package init(output: String, linker: String) {
    self.output = output
    self.linker = linker
  }

  /// Items from a root to one, that one last. A report that was tampered with may go round in circles: that ends too.
  package func chain(to item: Int) -> [Int] {
    var chain = [item]
    while chain.count <= items.count, case .item(let next)? = items[chain[chain.count - 1]].reason,
      items.indices.contains(next)
    {
      chain.append(next)
    }
    return chain.reversed()
  }
}
