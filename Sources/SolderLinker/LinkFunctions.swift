import SystemPackage

/// Links as `options` say and writes the result to ``LinkOptions/outputPath``.
///
/// Links share nothing: any number of them may run at the same time, each with diagnostics of its own.
/// - Parameters:
///   - options: what to link, and how.
///   - diagnostics: where errors, warnings and reports go; it must have no error yet.
///   - control: tells other threads how far the link is, and lets them end it.
/// - Returns: what was written, or `nil` when there were errors: then there is no new file, and an old one is as it was.
public func link(
  _ options: LinkOptions, _ diagnostics: Diagnostics, control: LinkControl = LinkControl()
) -> LinkResult? {
  link(options, diagnostics, control: control, isLast: false)
}

/// Links as `options` say, without writing a file.
///
/// - Parameters:
///   - options: what to link, and how; ``LinkOptions/outputPath`` only names the module.
///   - diagnostics: where errors, warnings and reports go; it must have no error yet.
///   - control: tells other threads how far the link is, and lets them end it.
/// - Returns: the module with what is known of it, or `nil` when there were errors.
public func linkInMemory(
  _ options: LinkOptions, _ diagnostics: Diagnostics, control: LinkControl = LinkControl()
) -> LinkResult? {
  LinkRun(options, diagnostics, control).run(writesFile: false, isLast: false) { image, result throws(Errno) in
    result.bytes = try image.bytes()
    return nil
  }
}

/// Links as `options` say, without writing a file.
///
/// - Returns: the bytes of the module, or `nil` when there were errors.
public func linkToBytes(_ options: LinkOptions, _ diagnostics: Diagnostics) -> [UInt8]? {
  linkInMemory(options, diagnostics)?.bytes
}

/// Links and writes a file.
///
/// - Parameter isLast: whether the process ends after this link. Then memory is not given back, as the system does that
///   faster.
package func link(
  _ options: LinkOptions, _ diagnostics: Diagnostics, control: LinkControl, isLast: Bool
) -> LinkResult? {
  LinkRun(options, diagnostics, control).run(writesFile: true, isLast: isLast) { image, result throws(Errno) in
    result.path = options.outputPath
    return try OutputFile.prepare(image, to: options.outputPath)
  }
}

/// What is around the passes of a link, wherever its result goes.
private struct LinkRun {
  let options: LinkOptions
  let diagnostics: Diagnostics
  let control: LinkControl

  init(_ options: LinkOptions, _ diagnostics: Diagnostics, _ control: LinkControl) {
    self.options = options
    self.diagnostics = diagnostics
    self.control = control
  }

  /// - Parameter deliver: brings the result to where it is wanted, but for letting others see it.
  func run(
    writesFile: Bool, isLast: Bool, deliver: (OutputImage, inout LinkResult) throws(Errno) -> PendingOutput?
  ) -> LinkResult? {
    guard diagnostics.begin() else { return nil }
    let timer = PassTimer(options, control)
    defer { control.begin(nil) }
    var files: [InputFile] = []
    let linked = Link(options, diagnostics, timer, control, writesFile: writesFile, isLast: isLast).run(&files)
    defer { InputFile.reportLost(files, diagnostics) }
    if linked == nil || diagnostics.hasErrors || control.isCancelled { timer.report(diagnostics) }
    if control.isCancelled {
      diagnostics.error("the link was cancelled", .cancelled)
      return nil
    }
    // A report that could not be written is an error as well.
    guard let (image, source) = linked, !diagnostics.hasErrors else {
      SizeReportFile.writeFailure(files, options, diagnostics)
      return nil
    }
    var result = LinkResult(size: image.count, source)
    do throws(Errno) {
      var pending = try deliver(image, &result)
      timer.end(.write, items: image.chunkCount, bytes: image.count)
      // The last report, of how long it took: the result is seen if all of them could be written.
      timer.report(diagnostics)
      if diagnostics.hasErrors {
        pending?.discard()
        SizeReportFile.writeFailure(files, options, diagnostics)
        return nil
      }
      try pending?.publish()
    } catch {
      // What was lost is told when the files are known not to change any more.
      if !(writesFile && error == .ioError && Mapping.hasLostBytes), !image.errors.tell(diagnostics) {
        diagnostics.error(
          "cannot open output file \(options.outputPath): \(error)", .cannotWrite, in: options.outputPath)
      }
      SizeReportFile.writeFailure(files, options, diagnostics)
      return nil
    }
    result.times = timer.times
    return result
  }
}
