import WebAssemblyFormat

/// Where the bytes of a fragment stand after its edits: for whoever has to tell places in code, such as debug information.
///
/// Only edits that change how many bytes there are count. Offsets count from the fragment's first byte, before and after.
struct OffsetMap: Equatable {
  /// Bytes that were replaced by another number of bytes.
  struct Change: Equatable {
    var old: Range<UInt32>
    var new: Range<UInt32>

    /// Where a byte is that is not in front of the change, nor behind another one.
    func position(of offset: UInt32) -> UInt32 {
      if offset == old.lowerBound { return new.lowerBound }
      return offset < old.upperBound ? new.upperBound : new.upperBound + (offset - old.upperBound)
    }
  }

  /// In order, apart from each other.
  private(set) var changes: [Change] = []

  /// How much longer everything behind the last change is.
  var growth: Int {
    guard let last = changes.last else { return 0 }
    return Int(last.new.upperBound) - Int(last.old.upperBound)
  }

  /// Adds an edit that replaces `old` by `length` bytes.
  ///
  /// - Precondition: it begins where the last one ends, or behind that.
  mutating func add(_ old: Range<UInt32>, length: Int) {
    guard old.count != length else { return }
    let start = UInt32(Int(old.lowerBound) + growth)
    changes.append(Change(old: old, new: start..<start + UInt32(length)))
  }

  /// Adds the edits of another fragment, of which this one has the bytes from `start` on.
  mutating func append(_ other: OffsetMap, behind start: UInt32) {
    for change in other.changes {
      add(start + change.old.lowerBound..<start + change.old.upperBound, length: change.new.count)
    }
  }

  /// Where the byte at `offset` is; the end of the fragment is its end. What began where bytes were replaced begins where
  /// their replacement does, and what began among them begins behind it: an instruction that is left is found there.
  func position(of offset: UInt32) -> UInt32 {
    let next = changes.indices.partitionPoint { changes[$0].old.lowerBound <= offset }
    return next > 0 ? changes[next - 1].position(of: offset) : offset
  }
}
