import SolderLinker
import Synchronization

/// What came of a link: the module, what its host has to give, and what was said.
struct LinkedProgram {
  var module: [UInt8]?
  var imports: [String] = []
  var exports: [String] = []
  var messages: [Diagnostic]
}

func linkProgram(_ objects: [(name: String, bytes: [UInt8])]) -> LinkedProgram {
  var options = LinkOptions()
  options.inputs = objects.map { InputArgument(.bytes(InputBytes(name: $0.name, $0.bytes))) }
  options.entryPoint = .none

  let messages = Mutex<[Diagnostic]>([])
  let diagnostics = Diagnostics { message in messages.withLock { $0.append(message) } }
  let result = linkInMemory(options, diagnostics)
  var program = LinkedProgram(module: result?.bytes, messages: messages.withLock { $0 })
  for entry in result?.imports ?? [] { program.imports.append("\(entry.module).\(entry.name)") }
  for entry in result?.exports ?? [] { program.exports.append(entry.name) }
  return program
}
