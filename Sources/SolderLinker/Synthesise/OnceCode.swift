import WebAssemblyFormat

/// Code around something that only one of several threads does, while the others wait for it: a word of shared memory goes
/// from 0 to 1 by the thread that does the work, and to 2 when it is done.
struct OnceCode {
  /// Pushes the address of the word.
  let flag: (inout ByteWriter) -> Void

  /// The thread that moves the flag from 0 to 1 goes on behind `$init`.
  func begin(_ writer: inout ByteWriter) {
    // block $drop, block $wait, block $init
    writer.raw([0x02, 0x40, 0x02, 0x40, 0x02, 0x40])
    flag(&writer)
    // i32.const 0, i32.const 1, i32.atomic.rmw.cmpxchg align=2, br_table $init $wait $drop, end $init
    writer.raw([0x41, 0x00, 0x41, 0x01, 0xFE, 0x48, 0x02, 0x00, 0x0E, 0x02, 0x00, 0x01, 0x02, 0x0B])
  }

  func end(_ writer: inout ByteWriter) {
    flag(&writer)
    writer.raw([0x41, 0x02, 0xFE, 0x17, 0x02, 0x00])  // i32.atomic.store 2
    flag(&writer)
    writer.raw([0x41, 0x7F, 0xFE, 0x00, 0x02, 0x00, 0x1A])  // memory.atomic.notify all, drop
    writer.raw([0x0C, 0x01, 0x0B])  // br $drop, end $wait
    flag(&writer)
    writer.raw([0x41, 0x01, 0x42, 0x7F, 0xFE, 0x01, 0x02, 0x00, 0x1A, 0x0B])  // memory.atomic.wait32, drop, end $drop
  }
}
