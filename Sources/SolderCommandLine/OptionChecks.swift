import SolderLinker

extension OptionReader {
  /// Reports options that exclude each other or lack what they need, in wasm-ld's words.
  ///
  /// As in wasm-ld, each of the two steps is skipped when there were errors before.
  func check() {
    guard !diagnostics.hasErrors else { return }
    if options.inputs.isEmpty { diagnostics.error("no input files") }
    guard !diagnostics.hasErrors else { return }
    checkCombinations()
  }

  /// What the kind of output decides about memory and table can not be contradicted; looked at as soon as options are read.
  func checkImpliedImports() {
    if options.maximumMemory != nil && options.noGrowableMemory {
      diagnostics.error("--max-memory is incompatible with --no-growable-memory")
    }
    if (pie || shared) && options.exportTable {
      diagnostics.error("-shared/-pie is incompatible with --export-table")
    }
    if relocatable && options.exportTable {
      diagnostics.error("--relocatable is incompatible with --export-table")
    }
    if relocatable && options.growableTable {
      diagnostics.error("--relocatable is incompatible with --growable-table")
    }
    if shared && options.memoryExport != nil {
      diagnostics.error("--export-memory is incompatible with --shared")
    }
  }

  private func checkCombinations() {
    if options.compressRelocations, !options.stripDebug, !options.stripAll, !options.keepDebug {
      diagnostics.error(
        "--compress-relocations is incompatible with output debug information. "
          + "Please pass --strip-debug or --strip-all")
    }
    if ltoPartitions == 0 { diagnostics.error("--lto-partitions: number of threads must be > 0") }
    if !ltoJobs.isEmpty && ltoJobs != "all" && prefixedNumber(ltoJobs) == nil {
      diagnostics.error("--thinlto-jobs: invalid job count: \(ltoJobs)")
    }
    if pie && shared { diagnostics.error("-shared and -pie may not be used together") }
    if options.outputPath.isEmpty { diagnostics.error("no output file specified") }
    if options.importTable && options.exportTable {
      diagnostics.error("--import-table and --export-table may not be used together")
    }
    if let name = options.initExport {
      if name.isEmpty { diagnostics.error("--init-export needs a name") }
      if relocatable || pie || shared {
        diagnostics.error("--init-export is for programs: it may not be used with -r, -pie or -shared")
      }
    }
    if relocatable { checkRelocatable() }
    if !experimentalPIC { warnOfUnstableFormats() }
    if options.bindsSymbolsLocally && !shared {
      diagnostics.warn("-Bsymbolic is only meaningful when combined with -shared")
    }
    if pie || shared {
      if options.globalBase != nil { diagnostics.error("--global-base may not be used with -shared/-pie") }
      if options.tableBase != nil { diagnostics.error("--table-base may not be used with -shared/-pie") }
    }
  }

  private func checkRelocatable() {
    if options.entry != nil { diagnostics.error("entry point specified for relocatable output file") }
    if options.gcSections { diagnostics.error("-r and --gc-sections may not be used together") }
    if options.compressRelocations { diagnostics.error("-r -and --compress-relocations may not be used together") }
    if options.identicalCodeFolding != .none { diagnostics.error("-r and --icf may not be used together") }
    if !options.undefinedSymbols.isEmpty { diagnostics.error("-r -and --undefined may not be used together") }
    if pie { diagnostics.error("-r and -pie may not be used together") }
    // wasm-ld does not check this one, and crashes.
    if shared { diagnostics.error("-r and -shared may not be used together") }
    if options.sharedMemory { diagnostics.error("-r and --shared-memory may not be used together") }
    if options.globalBase != nil { diagnostics.error("-r and --global-base may not by used together") }
  }

  private func warnOfUnstableFormats() {
    if shared { diagnostics.warn("creating shared libraries, with -shared, is not yet stable") }
    if pie { diagnostics.warn("creating PIEs, with -pie, is not yet stable") }
    if options.unresolvedSymbols == .importDynamic {
      diagnostics.warn("dynamic imports are not yet stable (--unresolved-symbols=import-dynamic)")
    }
  }
}
