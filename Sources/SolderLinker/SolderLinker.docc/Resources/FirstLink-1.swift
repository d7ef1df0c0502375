import SolderLinker

func linkProgram(_ objects: [(name: String, bytes: [UInt8])]) {
  var options = LinkOptions()
  options.inputs = objects.map { InputArgument(.bytes(InputBytes(name: $0.name, $0.bytes))) }
  options.entryPoint = .none
}
