import SolderCommandLine
import Testing

@testable import SolderLinker

/// All that is decided about the link of some files, before any of it is written.
func decided(_ files: KeyValuePairs<String, any InputContents>, _ words: String...) throws -> Program {
  let folder = try TemporaryFolder()
  for (name, contents) in files { try folder.write(contents.fileBytes, to: name) }
  return try decided(words + files.map { folder.path + "/" + $0.key })
}

/// The same of a command line whose files are there.
func decided(_ words: [String]) throws -> Program {
  let diagnostics = Diagnostics { Issue.record("\($0.text)") }
  let arguments = ["--threads=1", "-o", "result.wasm"] + words
  guard case .link(let options, _) = readCommandLine(arguments, diagnostics: diagnostics) else {
    throw ToolFailure("no link: \(arguments)")
  }
  var program: Program?
  var inputs: [InputFile] = []
  let control = LinkControl()
  _ = Link(options, diagnostics, PassTimer(options, control), control, writesFile: false).run(&inputs) { program = $0 }
  return try #require(program)
}
