import CPlatform
import SolderCommandLine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// The heap grows by what is missing, thousands of times in a link, and each time all threads wait that touch new memory.
setHeapGrowth(64 << 20)

// The result is written, and messages are not buffered: unmapping a thousand files and freeing a million objects one by
// one, which returning or `exit` would end in, is left to the system.
_exit(runSolder(CommandLine.arguments))
