import SolderCommandLine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

#if canImport(Glibc)
  // A heap grows by what is missing, thousands of times in a link, and each time all threads wait that touch new memory;
  // so it is given room (M_TOP_PAD of malloc.h, which Swift does not see) that takes no memory until it is used.
  if let mallopt = dlsym(nil, "mallopt") {
    _ = unsafeBitCast(mallopt, to: (@convention(c) (Int32, Int32) -> Int32).self)(-2, 64 << 20)
  }
#endif

// The result is written, and messages are not buffered: unmapping a thousand files and freeing a million objects one by
// one, which returning or `exit` would end in, is left to the system.
_exit(runSolder(CommandLine.arguments))
