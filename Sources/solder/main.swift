import CPlatform
import SolderCommandLine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// A link fills much memory once. With the usual settings half of its time in the system goes into giving it pages of four
// kilobytes one by one, and into growing the heap by what is missing while all threads wait.
prepareHeap()
handleSignals()

// The result is written, and messages are not buffered: unmapping a thousand files and freeing a million objects one by
// one, which returning or `exit` would end in, is left to the system.
_exit(runSolder(CommandLine.arguments))
