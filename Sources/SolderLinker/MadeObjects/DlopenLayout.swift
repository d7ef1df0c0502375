import WebAssemblyFormat

/// A function of the unit; the first five are its interface.
enum DlopenFunction: Int, CaseIterable {
  case dlopen, dlsym, dlclose, dlerror, dladdr
  case compare, find, findIn, findInScope, findInAll, value, index, fail, behind, owner, tell, lock, unlock

  /// The functions that programs refer to.
  static let interface: [DlopenFunction] = [.dlopen, .dlsym, .dlclose, .dlerror, .dladdr]

  var name: ByteString {
    switch self {
    case .dlopen: ByteString("dlopen")
    case .dlsym: ByteString("dlsym")
    case .dlclose: ByteString("dlclose")
    case .dlerror: ByteString("dlerror")
    case .dladdr: ByteString("dladdr")
    case .compare: ByteString("__wasm_dl_compare")
    case .find: ByteString("__wasm_dl_find")
    case .findIn: ByteString("__wasm_dl_find_in")
    case .findInScope: ByteString("__wasm_dl_find_in_scope")
    case .findInAll: ByteString("__wasm_dl_find_in_all")
    case .value: ByteString("__wasm_dl_value")
    case .index: ByteString("__wasm_dl_index")
    case .fail: ByteString("__wasm_dl_fail")
    case .behind: ByteString("__wasm_dl_behind")
    case .owner: ByteString("__wasm_dl_owner")
    case .tell: ByteString("__wasm_dl_tell")
    case .lock: ByteString("__wasm_dl_lock")
    case .unlock: ByteString("__wasm_dl_unlock")
    }
  }

  var parameters: [ObjectCode.Value] {
    switch self {
    case .dlopen: [.pointer, .int]
    case .dlsym, .dladdr, .compare, .fail: [.pointer, .pointer]
    case .dlclose, .index: [.pointer]
    case .dlerror, .lock, .unlock: []
    case .find, .behind: [.int, .int, .pointer]
    case .findIn, .findInScope, .findInAll: [.int, .pointer]
    case .value, .owner: [.int]
    case .tell: [.pointer, .int, .int]
    }
  }

  var results: [ObjectCode.Value] {
    switch self {
    case .dlopen, .dlsym, .dlerror, .value: [.pointer]
    case .dlclose, .dladdr, .compare, .find, .findIn, .findInScope, .findInAll, .index, .behind, .owner: [.int]
    case .fail, .tell, .lock, .unlock: []
    }
  }
}

/// What the functions say when they fail.
enum DlopenText: Int, CaseIterable {
  case noLibrary, notOpened, badHandle, noSymbol, otherKind
  /// What a closed handle is about, as it has no name.
  case close

  var text: String {
    switch self {
    case .noLibrary: "no library of this name can be opened"
    case .notOpened: "the library has not been opened"
    case .badHandle: "not the handle of an open library"
    case .noSymbol: "symbol not found"
    case .otherKind: "the symbol is neither a function nor data"
    case .close: "dlclose"
    }
  }

  /// All texts, each ended by a zero byte.
  static let bytes: [UInt8] = allCases.flatMap { Array($0.text.utf8) + [0] }

  /// Where this one begins among them.
  var offset: Int { DlopenText.allCases[..<rawValue].reduce(0) { $0 + $1.text.utf8.count + 1 } }
}

/// What the tables and the state look like to the functions.
struct DlopenLayout {
  let isShared: Bool
  let libraryCount: Int
  let linkedCount: Int
  let libraryNameCount: Int
  let groupCount: Int
  /// How many entries of each kind have an address.
  let functionCount: Int
  let dataCount: Int
  let blockCount: Int
  /// The entry of the program's block, behind which come those of libraries.
  let firstBlock: Int

  /// Of the state of each library: how many handles there are, and flags.
  static let stateSize = 8
  static let isOpened = 1
  static let isGlobal = 2

  // Behind the states of libraries: the lock, the libraries opened for all to find, and whether groups were constructed.
  var lock: Int { libraryCount * DlopenLayout.stateSize }
  var globalCount: Int { lock + 4 }
  var globals: Int { globalCount + 4 }
  var constructed: Int { globals + libraryCount * 4 }
  var stateSize: Int { constructed + groupCount }

  // Of what each thread has for itself.
  static let isPending = 0
  static let lockDepth = 4
  static let message = 8
  /// Where the subject of a message has to end, so that every text has room behind it.
  static let subjectEnd = 8 + 192
  static let threadSize = 8 + 288
}
