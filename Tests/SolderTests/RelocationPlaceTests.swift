import SolderLinker
import Synchronization
import Testing
import WebAssemblyFormat

/// Relocations of an object stand in order, apart from each other, and each in one function, segment or custom section.
@Suite struct RelocationPlaceTests {
  /// An object of two functions in groups of their own, of which the first calls the second twice; of two words of data;
  /// and of a custom section.
  private struct Object {
    /// Kind and offset of each relocation in code; all are about function 1, or about the data.
    var code: [(kind: RelocationKind, offset: UInt32)] = [(.functionIndexLEB, 4), (.functionIndexLEB, 10)]
    var data: [(kind: RelocationKind, offset: UInt32)] = [(.memoryAddressI32, 6), (.memoryAddressI32, 15)]
    var custom: [(kind: RelocationKind, offset: UInt32)] = [(.functionOffsetI32, 0), (.functionOffsetI32, 4)]
    var repeatsCode = false

    func bytes() -> [UInt8] {
      var writer = ByteWriter()
      writer.raw([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0])
      func section(_ id: UInt8, _ name: String? = nil, _ body: (inout ByteWriter) -> Void) {
        writer.byte(id)
        writer.sized { writer in
          if let name { writer.name(name) }
          body(&writer)
        }
      }
      section(1) { $0.raw([1, 0x60, 0, 0]) }
      section(2) { $0.raw([1, 3] + Array("env".utf8) + [15] + Array("__linear_memory".utf8) + [2, 0, 1]) }
      section(3) { $0.raw([2, 0, 0]) }
      // Bodies at 2 and 17, each behind its size.
      let call: [UInt8] = [0x10, 0x81, 0x80, 0x80, 0x80, 0x00]
      section(10) { $0.raw([2, 14, 0] + call + call + [0x0B, 14, 0] + Array(repeating: 0x01, count: 12) + [0x0B]) }
      // Contents at 6 and 15.
      section(11) { $0.raw([2, 0, 0x41, 0, 0x0B, 4, 0, 0, 0, 0, 0, 0x41, 4, 0x0B, 4, 0, 0, 0, 0]) }
      section(0, "extra") { $0.raw([0, 0, 0, 0, 0, 0, 0, 0]) }
      section(0, "linking") {
        $0.u32(2)
        $0.byte(8)
        $0.sized {
          $0.raw([3, 0, 0x80, 0x01, 0])
          $0.name("f")
          $0.raw([0, 0x80, 0x01, 1])
          $0.name("g")
          $0.raw([1, 0x80, 0x01])
          $0.name("d")
          $0.raw([0, 0, 4])
        }
        $0.byte(5)
        $0.sized {
          $0.u32(2)
          for name in [".data.d", ".data.e"] {
            $0.name(name)
            $0.raw([2, 0])
          }
        }
      }
      func relocations(_ name: String, of target: UInt32, _ list: [(kind: RelocationKind, offset: UInt32)]) {
        section(0, "reloc.\(name)") {
          $0.u32(target)
          $0.count(list.count)
          for (kind, offset) in list {
            $0.byte(kind.rawValue)
            $0.u32(offset)
            $0.u32(kind.isAboutData ? 2 : 1)
            if kind.hasAddend { $0.u32(0) }
          }
        }
      }
      relocations("CODE", of: 3, code)
      if repeatsCode { relocations("CODE", of: 3, code) }
      relocations("DATA", of: 4, data)
      relocations("extra", of: 5, custom)
      return writer.bytes
    }
  }

  /// Links the object in memory; an error's text, `nil` if there is none.
  private func error(_ object: Object, compress: Bool = false) throws -> String? {
    let folder = try TemporaryFolder()
    var options = LinkOptions()
    options.inputs = [InputArgument(.file(try folder.write(object.bytes(), to: "object.o")))]
    options.entryPoint = .none
    options.exports = ["f"]
    options.gcSections = false
    options.compressRelocations = compress
    options.stripAll = compress
    let messages = Mutex<[String]>([])
    let bytes = linkToBytes(options, Diagnostics(sink: { message in messages.withLock { $0.append(message.text) } }))
    let text = messages.withLock { $0.isEmpty ? nil : $0.joined(separator: "\n") }
    #expect((bytes == nil) == (text != nil))
    return text
  }

  @Test(arguments: [false, true]) func inOrderAndApart(compress: Bool) throws {
    #expect(try error(Object(), compress: compress) == nil)
    #expect(try error(Object(code: [], data: [], custom: []), compress: compress) == nil)
  }

  @Test(arguments: [false, true]) func twoAtOnePlace(compress: Bool) throws {
    let overlap = "overlaps the one at"
    let code = try error(Object(code: [(.functionIndexLEB, 4), (.functionIndexLEB, 4)]), compress: compress)
    #expect(code?.contains("object.o") == true && code?.contains("relocation at 4 \(overlap) 4") == true)
    let mixed = try error(Object(code: [(.memoryAddressSLEB, 4), (.functionIndexLEB, 8)]), compress: compress)
    #expect(mixed?.contains("relocation at 8 \(overlap) 4") == true)
    let data = try error(Object(data: [(.memoryAddressI32, 6), (.memoryAddressI32, 6)]), compress: compress)
    #expect(data?.contains("relocation at 6 \(overlap) 6") == true)
    let custom = try error(Object(custom: [(.functionOffsetI32, 0), (.functionOffsetI32, 3)]), compress: compress)
    #expect(custom?.contains("relocation at 3 \(overlap) 0") == true)
  }

  @Test func beyondItsPlace() throws {
    // The last operand of the first function reaches into the second; or what follows it is whole.
    let beyond = "reaches beyond its"
    #expect(try error(Object(code: [(.functionIndexLEB, 12)]))?.contains("\(beyond) function") == true)
    #expect(try error(Object(code: [(.memoryAddressSLEB64, 8)]))?.contains("\(beyond) function") == true)
    #expect(try error(Object(code: [(.functionIndexLEB, 13), (.functionIndexLEB, 20)])) != nil)
    #expect(try error(Object(code: [(.functionIndexLEB, 27)])) != nil)
    #expect(try error(Object(data: [(.memoryAddressI64, 6)]))?.contains("\(beyond) data segment") == true)
    #expect(try error(Object(data: [(.memoryAddressI32, 9)]))?.contains("\(beyond) data segment") == true)
    #expect(try error(Object(data: [(.memoryAddressI32, 16)])) != nil)
    #expect(try error(Object(custom: [(.functionOffsetI32, 5)])) != nil)
  }

  @Test func inNoPlace() throws {
    // The number of functions, and a function's size; a segment's offset.
    for offset: UInt32 in [0, 1, 16] {
      #expect(try error(Object(code: [(.functionIndexLEB, offset)])) != nil)
    }
    #expect(try error(Object(data: [(.memoryAddressI32, 1)]))?.contains("in no data segment") == true)
    #expect(try error(Object(data: [(.memoryAddressI32, 10)]))?.contains("in no data segment") == true)
  }

  @Test func twoListsForOneSection() throws {
    #expect(try error(Object(repeatsCode: true))?.contains("a second section has relocations of section 3") == true)
  }

  @Test func outOfOrder() throws {
    #expect(
      try error(Object(code: [(.functionIndexLEB, 10), (.functionIndexLEB, 4)]))?.contains("out of order") == true)
  }
}

extension RelocationKind {
  fileprivate var isAboutData: Bool {
    switch self {
    case .memoryAddressLEB, .memoryAddressSLEB, .memoryAddressI32, .memoryAddressSLEB64, .memoryAddressI64: true
    default: false
    }
  }
}
