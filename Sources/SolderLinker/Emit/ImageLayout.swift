import WebAssemblyFormat

/// Where the sections of the result are in the file, and what is in them.
struct ImageLayout {
  struct Section {
    var id: SectionID
    /// The name of a custom section.
    var name: ByteString
    /// Where the section begins, with the byte that tells what it is, and how long it is from there.
    var offset: Int
    var size: Int
  }

  /// Where a data segment is in the payload of the data section: its header, and its bytes.
  struct SegmentPlace {
    var header: UInt64
    var contents: UInt64
    /// Which bytes of the segment of the link they are.
    var range: Range<UInt64>
  }

  var sections: [Section] = []
  /// Index of the code section, if there is one, of the data section, and of each copied custom section.
  var code: UInt32?
  var data: UInt32?
  var custom: [UInt32] = []
  /// The places of each data segment of the link, in order: mostly one, none for those that take no bytes of the file.
  var segments: [[SegmentPlace]] = []
}
