/// How words are told apart in a response file.
enum ResponseFileQuoting {
  /// As GNU tools do: backslash escapes, single and double quotes group.
  case posix
  /// As the Windows C runtime does: backslashes escape only before a double quote.
  case windows

  /// The words of `text`.
  func words(_ text: [UInt8]) -> [String] {
    switch self {
    case .posix: posixWords(text)
    case .windows: windowsWords(text)
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
      || byte == UInt8(ascii: "\r")
  }

  private func posixWords(_ text: [UInt8]) -> [String] {
    let backslash = UInt8(ascii: "\\")
    var words: [String] = []
    var word: [UInt8] = []
    var inWord = false
    var quote: UInt8?
    var index = 0
    while index < text.count {
      let byte = text[index]
      index += 1
      if byte == backslash && index < text.count {
        word.append(text[index])
        inWord = true
        index += 1
      } else if let open = quote {
        if byte == open { quote = nil } else { word.append(byte) }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
        inWord = true
      } else if Self.isSpace(byte) {
        if inWord { words.append(String(decoding: word, as: UTF8.self)) }
        word.removeAll(keepingCapacity: true)
        inWord = false
      } else {
        word.append(byte)
        inWord = true
      }
    }
    if inWord { words.append(String(decoding: word, as: UTF8.self)) }
    return words
  }

  private func windowsWords(_ text: [UInt8]) -> [String] {
    let (backslash, quote) = (UInt8(ascii: "\\"), UInt8(ascii: "\""))
    var words: [String] = []
    var word: [UInt8] = []
    var (inWord, quoted) = (false, false)
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte == backslash {
        var count = 0
        while index < text.count && text[index] == backslash { (count, index) = (count + 1, index + 1) }
        let escapes = index < text.count && text[index] == quote
        word.append(contentsOf: repeatElement(backslash, count: escapes ? count / 2 : count))
        if escapes && count % 2 == 1 {
          word.append(quote)
          index += 1
        }
        inWord = true
        continue
      }
      index += 1
      if byte == quote {
        // Two of them inside quotes are one that is meant.
        if quoted && index < text.count && text[index] == quote {
          word.append(quote)
          index += 1
        } else {
          quoted.toggle()
        }
        inWord = true
      } else if !quoted && Self.isSpace(byte) {
        if inWord { words.append(String(decoding: word, as: UTF8.self)) }
        word.removeAll(keepingCapacity: true)
        inWord = false
      } else {
        word.append(byte)
        inWord = true
      }
    }
    if inWord { words.append(String(decoding: word, as: UTF8.self)) }
    return words
  }
}

/// Replaces `@FILE` by the words of that file, and of files named there.
struct ResponseFileExpansion {
  /// Why an expansion stopped.
  struct Failure: Error {
    var text: String
  }

  var quoting: ResponseFileQuoting
  /// The contents of a file, nil when there is none of that name.
  var read: (String) throws(Failure) -> [UInt8]?

  /// Files that each name another one twice double with each level, without ever forming a loop.
  private static let largestFileCount = 1 << 16
  private static let largestCount = 1 << 22
  private static let deepestNesting = 200

  private var open: [String] = []
  private var fileCount = 0
  private var expanded: [String] = []

  init(quoting: ResponseFileQuoting, read: @escaping (String) throws(Failure) -> [UInt8]?) {
    self.quoting = quoting
    self.read = read
  }

  /// The arguments with response files replaced. An argument whose file does not exist stays as it is.
  /// - Throws: ``Failure`` for a file that includes itself, cannot be read, or expands beyond measure.
  static func expand(
    _ arguments: [String], quoting: ResponseFileQuoting, read: @escaping (String) throws(Failure) -> [UInt8]?
  ) throws(Failure) -> [String] {
    guard arguments.contains(where: { $0.hasPrefix("@") }) else { return arguments }
    var expansion = ResponseFileExpansion(quoting: quoting, read: read)
    try expansion.append(arguments)
    return expansion.expanded
  }

  private mutating func append(_ arguments: [String]) throws(Failure) {
    for argument in arguments {
      guard argument.hasPrefix("@"), case let name = String(argument.dropFirst()), let text = try read(name) else {
        expanded.append(argument)
        guard expanded.count <= Self.largestCount else {
          throw Failure(text: "response files expand to more than \(Self.largestCount) arguments")
        }
        continue
      }
      guard !open.contains(name) else { throw Failure(text: "recursive expansion of: '\(name)'") }
      guard open.count < Self.deepestNesting else {
        throw Failure(text: "response files are nested too deeply: '\(name)'")
      }
      fileCount += 1
      guard fileCount <= Self.largestFileCount else {
        throw Failure(text: "more than \(Self.largestFileCount) response files")
      }
      open.append(name)
      try append(quoting.words(Self.withoutByteOrderMark(text)))
      open.removeLast()
    }
  }

  /// The text as UTF-8, whatever a Windows editor made of it.
  private static func withoutByteOrderMark(_ text: [UInt8]) -> [UInt8] {
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(text.dropFirst(3)) }
    let bigEndian = text.starts(with: [0xFE, 0xFF])
    guard bigEndian || text.starts(with: [0xFF, 0xFE]) else { return text }
    let units = stride(from: 2, to: text.count - 1, by: 2).map { index in
      let (first, second) = (UInt16(text[index]), UInt16(text[index + 1]))
      return bigEndian ? first << 8 | second : second << 8 | first
    }
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }
}
