import SystemPackage
import Testing
import WebAssemblyFormat

@testable import SolderLinker

/// The bytes of edits, the room that they are written to, and where the bytes behind them are then.
@Suite struct ReplacementTests {
  /// What a replacement writes into a room of its length, between bytes that have to stay.
  private func bytes(_ replacement: Replacement, room count: Int? = nil) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0xEE, count: 40)
    let isWritten = writing(&bytes, 10..<30) { room in
      room.part(at: 5, count: count ?? replacement.length).isWritten(replacement)
    }
    let end = 15 + (count ?? replacement.length)
    #expect(bytes[..<15].allSatisfy { $0 == 0xEE } && bytes[end...].allSatisfy { $0 == 0xEE })
    return isWritten ? Array(bytes[15..<end]) : nil
  }

  private static let values: [UInt64] = [
    0, 1, 63, 64, 127, 128, 8191, 8192, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, 1 << 34, .max >> 1, .max - 5,
    .max,
  ]

  @Test func numbersInEveryWidth() throws {
    for value in ReplacementTests.values {
      for width in 0...10 {
        let unsigned = Replacement.number(value, .unsigned, atLeast: width)
        #expect(unsigned.length == max(width, shortest(value)))
        var reader = try #require(bytes(unsigned))[...]
        #expect(readUnsigned(&reader) == value && reader.isEmpty)
        let signed = Replacement.number(value, .signed, atLeast: width)
        reader = try #require(bytes(signed))[...]
        #expect(readSigned(&reader) == Int64(bitPattern: value) && reader.isEmpty)
      }
    }
  }

  @Test(arguments: [false, true]) func constantsInPlaceOfAnyRun(is64: Bool) throws {
    for value in ReplacementTests.values {
      for width in [0] + Array(2...30) {
        let constant = Replacement.constant(value, is64: is64, atLeast: width)
        // Padding ends where the format ends.
        #expect(constant.length <= (is64 ? 11 : 6))
        #expect(constant.length >= min(width, is64 ? 11 : 6))
        var reader = try #require(bytes(constant))[...]
        #expect(reader.popFirst() == (is64 ? 0x42 : 0x41))
        let number = readSigned(&reader)
        #expect(number == (is64 ? Int64(bitPattern: value) : Int64(Int32(truncatingIfNeeded: value))))
        #expect(reader.isEmpty)
      }
    }
  }

  @Test func otherForms() {
    #expect(bytes(Replacement(form: .fixed32, value: 0x1_0203_0405, length: 4)) == [5, 4, 3, 2])
    #expect(bytes(Replacement(form: .fixed64, value: 0x0102, length: 8)) == [2, 1, 0, 0, 0, 0, 0, 0])
    #expect(bytes(Replacement(form: .nothing, length: 3)) == [1, 1, 1])
    #expect(bytes(Replacement(form: .nothing, length: 0)) == [])
    #expect(bytes(Replacement(form: .memoryArgument, value: 3 << 8 | 0x42, length: 2)) == [0x42, 3])
    #expect(bytes(Replacement(form: .memoryArgument, value: 300 << 8 | 0x42, length: 3)) == [0x42, 0xAC, 2])
    #expect(bytes(.number(7, .unsigned, opcode: 0x23, atLeast: 2)) == [0x23, 7])
  }

  @Test func whatDoesNotFitIsNotWritten() {
    let tooSmall: [Replacement] = [
      .number(5, .unsigned, atLeast: 5), .number(5, .signed, atLeast: 5),
      Replacement(form: .fixed32, length: 4), Replacement(form: .fixed64, length: 8),
      Replacement(form: .nothing, length: 4), .constant(5, is64: false, atLeast: 6),
      Replacement(form: .memoryArgument, value: 3 << 8, length: 2),
    ]
    for replacement in tooSmall {
      #expect(bytes(replacement, room: replacement.length) != nil)
      #expect(bytes(replacement, room: 0) == nil)
      if replacement.form != .memoryArgument { #expect(bytes(replacement, room: replacement.length - 1) == nil) }
    }
    // A number that is too large for its bytes, and forms of a fixed width in another.
    #expect(bytes(Replacement(form: .unsigned, value: 128, length: 1)) == nil)
    #expect(bytes(Replacement(form: .signed, value: 64, length: 1)) == nil)
    #expect(bytes(Replacement(form: .fixed32, length: 5)) == nil)
    #expect(bytes(Replacement(form: .fixed64, length: 4)) == nil)
  }

  @Test func roomsHaveNoOutside() {
    var bytes = [UInt8](repeating: 0xEE, count: 8)
    writing(&bytes, 2..<6) { room in
      for offset in [-5, -1, 4, 5, .max, .min] {
        #expect(!room.write(1, at: offset))
        #expect(!room.write(fixed32: 1, at: offset))
        #expect(!room.write(fiveBytes: 1, at: offset))
        #expect(room.part(at: offset, count: 1).count == 0)
      }
      for (count, offset) in [(5, 0), (4, 1), (-1, 0), (.max, 1), (.min, 1), (1, .max)] {
        #expect(!room.fill(count, with: 1, at: offset))
        #expect(room.part(at: offset, count: count).count == 0)
      }
      #expect(!room.copy([1, 2, 3][...], to: 2))
      #expect(room.copy([1, 2, 3][...], to: 1))
      #expect(room.copy([][...], to: 4) && !room.copy([][...], to: 5))
    }
    #expect(bytes == [0xEE, 0xEE, 0xEE, 1, 2, 3, 0xEE, 0xEE])
  }

  @Test func errorsLeaveNoResult() {
    let errors = InternalErrors()
    let regions = [OutputImage.Region(range: 0..<4) { $0.write([1, 2, 3, 4, 5], at: 0) }]
    let image = OutputImage(count: 4, regions: regions, threads: Threads(1), errors: errors)
    #expect(throws: Errno.self) { try image.bytes() }
    #expect(!errors.isEmpty)
    let gap = OutputImage(
      count: 9, regions: [.init(range: 0..<4) { $0.write([1, 2, 3, 4], at: 0) }], threads: Threads(1))
    #expect(throws: Errno.self) { try gap.bytes() }
  }

  // MARK: Offsets

  @Test func offsetsBehindEdits() {
    var map = OffsetMap()
    #expect(map.position(of: 17) == 17 && map.growth == 0)
    map.add(4..<9, length: 5)
    #expect(map.changes.isEmpty)
    map.add(10..<12, length: 6)
    map.add(12..<20, length: 0)
    map.add(30..<31, length: 2)
    #expect(map.growth == -3)
    #expect([0, 9, 10, 11].map(map.position) == [0, 9, 10, 16])
    // Gone: where what follows is.
    #expect([12, 19, 20, 29].map(map.position) == [16, 16, 16, 25])
    #expect([30, 31, 40].map(map.position) == [26, 28, 37])
  }

  @Test func offsetsBehindRandomEdits() {
    var random = SplitMix(seed: 7)
    for _ in 0..<200 {
      // The fragment as numbers; edits write what no byte has.
      let count = Int.random(in: 0...60, using: &random)
      var (map, result): (OffsetMap, [Int]) = (OffsetMap(), [])
      var next = 0
      var replaced: [Int: Int] = [:]
      while next < count {
        if Bool.random(using: &random) {
          result.append(next)
          next += 1
        } else {
          let end = Int.random(in: next + 1...min(next + 6, count), using: &random)
          let length = Int.random(in: 0...8, using: &random)
          map.add(UInt32(next)..<UInt32(end), length: length)
          if end - next != length {
            replaced[next] = result.count
            for old in next + 1..<max(end, next + 1) { replaced[old] = result.count + length }
          }
          if end - next == length { result += Array(next..<end) } else { result += Array(repeating: -1, count: length) }
          next = end
        }
      }
      for old in 0..<count {
        let position = Int(map.position(of: UInt32(old)))
        if let expected = replaced[old] { #expect(position == expected) } else { #expect(result[position] == old) }
      }
      #expect(Int(map.position(of: UInt32(count))) == result.count || replaced[count - 1] != nil || count == 0)
      #expect(result.count == count + map.growth)
    }
  }

  // MARK: Reading back

  private func shortest(_ value: UInt64) -> Int {
    var (count, rest) = (1, value >> 7)
    while rest > 0 { (count, rest) = (count + 1, rest >> 7) }
    return count
  }

  private func readUnsigned(_ bytes: inout ArraySlice<UInt8>) -> UInt64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while let byte = bytes.popFirst() {
      value |= UInt64(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    return value
  }

  private func readSigned(_ bytes: inout ArraySlice<UInt8>) -> Int64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while let byte = bytes.popFirst() {
      value |= UInt64(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 {
        if byte & 0x40 != 0, shift < 64 { value |= .max << shift }
        break
      }
    }
    return Int64(bitPattern: value)
  }
}

extension OutputRoom {
  fileprivate func isWritten(_ replacement: Replacement) -> Bool { replacement.write(to: self, at: 0) }
}
