import WebAssemblyFormat

/// A plain module that is linked alone comes out as it is, whatever it contains: there is nothing to link, and taking it
/// apart could only lose something. It has been read, so damage is reported as for any other input.
enum LoneModule {
  /// The bytes of the only input, if that is a plain module and the options ask for no change.
  static func copy(_ inputs: Inputs, _ options: LinkOptions) -> (image: OutputImage, module: InputModule)? {
    guard inputs.units.count == 1, inputs.lazyFiles.isEmpty, inputs.stubLibraries.isEmpty,
      let unit = inputs.units.first, unit.contracts.isComplete, !unit.importsFromItself, !options.changesLoneModule
    else { return nil }
    // The region holds on to the file, whose mapping it reads when the link is over.
    let file = unit.file
    let bytes = file.bytes
    let errors = InternalErrors()
    let region = OutputImage.Region(range: 0..<bytes.end) { window in
      let bytes = file.bytes
      if !window.room(at: 0, count: bytes.end).copy(bytes, from: 0, count: bytes.end, to: 0) {
        errors.report("\(file.displayName): has no room in the result")
      }
    }
    return (OutputImage(count: bytes.end, regions: [region], threads: Threads(1), errors: errors), unit)
  }
}

extension InputModule {
  /// Whether imports of it, under the name that it was given, are its own exports.
  fileprivate var importsFromItself: Bool {
    guard let moduleName, moduleName != "env" else { return false }
    return importedModules.contains(moduleName)
  }
}

extension LinkOptions {
  /// Whether an option was given that changes even a module that needs no linking.
  fileprivate var changesLoneModule: Bool {
    let defaults = LinkOptions().normalized()
    return !exports.isEmpty || !exportsIfDefined.isEmpty || exportAll || stripDebug || stripAll || entryIsExplicit
      || memoryImport != nil || memoryExport != defaults.memoryExport || sharedMemory || initialMemory != nil
      || initialHeap != nil || maximumMemory != nil || noGrowableMemory || importTable || exportTable
      || initExport != nil || [.warn, .error].contains(unresolvedImports)
      || !contract.standsAlone || compressRelocations || emitRelocations || buildID != .none
      || writtenSourceMapURL != nil || !stubs.isEmpty || stubsMissing || pageSize != defaults.pageSize
      // Reports of what a link does.
      || mapFile != nil || dependencyFile != nil || whyExtractFile != nil || !tracedSymbols.isEmpty
  }
}
