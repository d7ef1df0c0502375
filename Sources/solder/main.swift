import SolderCommandLine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// The result is written, and messages are not buffered: unmapping a thousand files and freeing a million objects one by
// one, which returning or `exit` would end in, is left to the system.
_exit(runSolder(CommandLine.arguments))
