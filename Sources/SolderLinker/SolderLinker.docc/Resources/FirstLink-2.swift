import SolderLinker
import Synchronization

func linkProgram(_ objects: [(name: String, bytes: [UInt8])]) -> (module: [UInt8]?, messages: [Diagnostic]) {
  var options = LinkOptions()
  options.inputs = objects.map { InputArgument(.bytes(InputBytes(name: $0.name, $0.bytes))) }
  options.entryPoint = .none

  let messages = Mutex<[Diagnostic]>([])
  let diagnostics = Diagnostics { message in messages.withLock { $0.append(message) } }
  let result = linkInMemory(options, diagnostics)
  return (result?.bytes, messages.withLock { $0 })
}
