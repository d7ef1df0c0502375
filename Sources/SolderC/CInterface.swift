import CSolder
import SolderCommandLine
import SolderLinker

// The functions of `solder.h`, which says what they do. An object of C is a Swift object whose reference is counted once for
// the caller; no pointer is followed before it is known not to be null.

extension OpaquePointer {
  /// An object for C, which gives it back with ``release(_:)``.
  fileprivate init(owning object: AnyObject) { unsafe self.init(Unmanaged.passRetained(object).toOpaque()) }

  /// The object that it stands for.
  fileprivate func object<Object: AnyObject>(_ type: Object.Type) -> Object {
    unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(self)).takeUnretainedValue()
  }

  fileprivate func release<Object: AnyObject>(_ type: Object.Type) {
    unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(self)).release()
  }
}

/// Strings that are there for as long as the process.
private let constants = CStrings()
nonisolated(unsafe) private let version = unsafe constants.add(solderVersion)
nonisolated(unsafe) private let statusTexts = unsafe [
  "done", "the link failed", "the link was cancelled", "a null pointer, or a link that has run already",
  "a text was asked for instead of a link", "no status",
].map { unsafe constants.add($0) }

@c(solder_version)
public func solderVersionText() -> UnsafePointer<CChar>? { unsafe version }

@c(solder_status_text)
public func solderStatusText(_ status: solder_status) -> UnsafePointer<CChar>? {
  let index = Int(status.rawValue)
  return unsafe statusTexts[statusTexts.indices.contains(index) ? index : statusTexts.count - 1]
}

// MARK: Links

@c(solder_link_create)
public func solderLinkCreate() -> OpaquePointer? { unsafe OpaquePointer(owning: LinkObject()) }

@c(solder_link_destroy)
public func solderLinkDestroy(_ link: OpaquePointer?) { unsafe link?.release(LinkObject.self) }

@c(solder_link_add_arguments)
public func solderLinkAddArguments(
  _ link: OpaquePointer?, _ arguments: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int
) -> solder_status {
  // A `size_t` beyond all memory is negative here.
  guard let link = unsafe link?.object(LinkObject.self), link.isOpen, count >= 0 else { return SOLDER_INVALID_ARGUMENT }
  var words: [String] = []
  for index in 0..<count {
    guard let arguments = unsafe arguments, let word = unsafe arguments[index] else { return SOLDER_INVALID_ARGUMENT }
    words.append(unsafe String(cString: word))
  }
  link.add(words)
  return SOLDER_OK
}

@c(solder_link_add_bytes)
public func solderLinkAddBytes(
  _ link: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ moduleName: UnsafePointer<CChar>?,
  _ bytes: UnsafeRawPointer?, _ count: Int
) -> solder_status {
  guard let link = unsafe link?.object(LinkObject.self), link.isOpen, let name = unsafe name, count >= 0,
    unsafe bytes != nil || count == 0
  else { return SOLDER_INVALID_ARGUMENT }
  let contents = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
  link.add(
    unsafe InputBytes(name: String(cString: name), contents),
    moduleName: unsafe moduleName.map { unsafe String(cString: $0) })
  return SOLDER_OK
}

@c(solder_link_set_diagnostics)
public func solderLinkSetDiagnostics(
  _ link: OpaquePointer?, _ callback: solder_diagnostic_callback?, _ context: UnsafeMutableRawPointer?
) -> solder_status {
  guard let link = unsafe link?.object(LinkObject.self), link.isOpen else { return SOLDER_INVALID_ARGUMENT }
  link.callback = unsafe callback.map { unsafe LinkObject.Callback(function: $0, context: context) }
  return SOLDER_OK
}

@c(solder_link_run)
public func solderLinkRun(
  _ link: OpaquePointer?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> solder_status {
  unsafe result?.pointee = nil
  guard let link = unsafe link?.object(LinkObject.self), let result = unsafe result else {
    return SOLDER_INVALID_ARGUMENT
  }
  let run = link.run(writesFile: false)
  if let linked = run.result { unsafe result.pointee = unsafe OpaquePointer(owning: ResultObject(linked)) }
  return run.status
}

@c(solder_link_write)
public func solderLinkWrite(
  _ link: OpaquePointer?, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> solder_status {
  unsafe result?.pointee = nil
  guard let link = unsafe link?.object(LinkObject.self) else { return SOLDER_INVALID_ARGUMENT }
  let run = link.run(writesFile: true)
  if let linked = run.result, let result = unsafe result {
    unsafe result.pointee = unsafe OpaquePointer(owning: ResultObject(linked))
  }
  return run.status
}

@c(solder_link_cancel)
public func solderLinkCancel(_ link: OpaquePointer?) -> solder_status {
  guard let link = unsafe link?.object(LinkObject.self) else { return SOLDER_INVALID_ARGUMENT }
  link.control.cancel()
  return SOLDER_OK
}

// MARK: Results

@c(solder_result_destroy)
public func solderResultDestroy(_ result: OpaquePointer?) { unsafe result?.release(ResultObject.self) }

@c(solder_result_bytes)
public func solderResultBytes(_ result: OpaquePointer?) -> UnsafePointer<UInt8>? {
  unsafe result?.object(ResultObject.self).start
}

@c(solder_result_size)
public func solderResultSize(_ result: OpaquePointer?) -> Int {
  unsafe result.map { unsafe $0.object(ResultObject.self).result.size } ?? 0
}

@c(solder_result_import_count)
public func solderResultImportCount(_ result: OpaquePointer?) -> Int {
  unsafe result.map { unsafe $0.object(ResultObject.self).imports.count } ?? 0
}

@c(solder_result_import_module)
public func solderResultImportModule(_ result: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>? {
  guard let imports = unsafe result?.object(ResultObject.self).imports, unsafe imports.indices.contains(index) else {
    return nil
  }
  return unsafe imports[index].module
}

@c(solder_result_import_name)
public func solderResultImportName(_ result: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>? {
  guard let imports = unsafe result?.object(ResultObject.self).imports, unsafe imports.indices.contains(index) else {
    return nil
  }
  return unsafe imports[index].name
}

@c(solder_result_export_count)
public func solderResultExportCount(_ result: OpaquePointer?) -> Int {
  unsafe result.map { unsafe $0.object(ResultObject.self).exports.count } ?? 0
}

@c(solder_result_export_name)
public func solderResultExportName(_ result: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>? {
  guard let exports = unsafe result?.object(ResultObject.self).exports, unsafe exports.indices.contains(index) else {
    return nil
  }
  return unsafe exports[index]
}

@c(solder_result_map)
public func solderResultMap(_ result: OpaquePointer?) -> UnsafePointer<CChar>? {
  unsafe result?.object(ResultObject.self).map
}

// MARK: The command line

@c(solder_main)
public func solderMain(_ count: CInt, _ arguments: UnsafePointer<UnsafePointer<CChar>?>?) -> CInt {
  var words: [String] = []
  for index in 0..<Int(max(0, count)) {
    guard let arguments = unsafe arguments, let word = unsafe arguments[index] else {
      Diagnostics().error("argument \(index) is a null pointer", .misuse)
      return 1
    }
    words.append(unsafe String(cString: word))
  }
  return runSolder(words, isLast: false)
}
