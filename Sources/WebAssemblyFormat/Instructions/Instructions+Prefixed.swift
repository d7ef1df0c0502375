// The table of instructions: opcodes after the prefixes 0xFB, 0xFC and 0xFE.

extension InstructionRun {
  static let garbageCollection: [InstructionRun] = [
    InstructionRun(0x100, .type, ["struct.new", "struct.new_default"]),
    InstructionRun(0x102, .typeField, ["struct.get", "struct.get_s", "struct.get_u", "struct.set"]),
    InstructionRun(0x106, .type, ["array.new", "array.new_default"]),
    InstructionRun(0x108, .typeCount, ["array.new_fixed"]),
    InstructionRun(0x109, .typeData, ["array.new_data"]),
    InstructionRun(0x10A, .typeElement, ["array.new_elem"]),
    InstructionRun(0x10B, .type, ["array.get", "array.get_s", "array.get_u", "array.set"]),
    InstructionRun(0x10F, .none, ["array.len"]),
    InstructionRun(0x110, .type, ["array.fill"]),
    InstructionRun(0x111, .typeType, ["array.copy"]),
    InstructionRun(0x112, .typeData, ["array.init_data"]),
    InstructionRun(0x113, .typeElement, ["array.init_elem"]),
    InstructionRun(0x114, .heapType, ["ref.test", "ref.test null", "ref.cast", "ref.cast null"]),
    InstructionRun(0x118, .castBranch, ["br_on_cast", "br_on_cast_fail"]),
    InstructionRun(0x11A, .none, ["any.convert_extern", "extern.convert_any", "ref.i31", "i31.get_s", "i31.get_u"]),
    // Custom descriptors.
    InstructionRun(0x120, .type, ["struct.new_desc", "struct.new_default_desc", "ref.get_desc"]),
    InstructionRun(0x123, .heapType, ["ref.cast_desc_eq", "ref.cast_desc_eq null"]),
    InstructionRun(0x125, .castBranch, ["br_on_cast_desc_eq", "br_on_cast_desc_eq_fail"]),
  ]

  static let bulkAndWide: [InstructionRun] = [
    InstructionRun(
      0x200, .none,
      [
        "i32.trunc_sat_f32_s", "i32.trunc_sat_f32_u", "i32.trunc_sat_f64_s", "i32.trunc_sat_f64_u",
        "i64.trunc_sat_f32_s", "i64.trunc_sat_f32_u", "i64.trunc_sat_f64_s", "i64.trunc_sat_f64_u",
      ]),
    InstructionRun(0x208, .dataMemory, ["memory.init"]),
    InstructionRun(0x209, .data, ["data.drop"]),
    InstructionRun(0x20A, .memoryMemory, ["memory.copy"]),
    InstructionRun(0x20B, .memory, ["memory.fill"]),
    InstructionRun(0x20C, .elementTable, ["table.init"]),
    InstructionRun(0x20D, .element, ["elem.drop"]),
    InstructionRun(0x20E, .tableTable, ["table.copy"]),
    InstructionRun(0x20F, .table, ["table.grow", "table.size", "table.fill"]),
    InstructionRun(0x212, .memory, ["memory.discard"]),
    InstructionRun(0x213, .none, ["i64.add128", "i64.sub128", "i64.mul_wide_s", "i64.mul_wide_u"]),
    InstructionRun(0x230, .memoryArgument, ["f32.load_f16", "f32.store_f16"]),
  ]

  static let threads: [InstructionRun] = [
    InstructionRun(
      0x300, .memoryArgument, ["memory.atomic.notify", "memory.atomic.wait32", "memory.atomic.wait64"]),
    InstructionRun(0x303, .byte, ["atomic.fence"]),
    InstructionRun(
      0x310, .memoryArgument,
      [
        "i32.atomic.load", "i64.atomic.load", "i32.atomic.load8_u", "i32.atomic.load16_u",
        "i64.atomic.load8_u", "i64.atomic.load16_u", "i64.atomic.load32_u",
        "i32.atomic.store", "i64.atomic.store", "i32.atomic.store8", "i32.atomic.store16",
        "i64.atomic.store8", "i64.atomic.store16", "i64.atomic.store32",
        "i32.atomic.rmw.add", "i64.atomic.rmw.add", "i32.atomic.rmw8.add_u", "i32.atomic.rmw16.add_u",
        "i64.atomic.rmw8.add_u", "i64.atomic.rmw16.add_u", "i64.atomic.rmw32.add_u",
        "i32.atomic.rmw.sub", "i64.atomic.rmw.sub", "i32.atomic.rmw8.sub_u", "i32.atomic.rmw16.sub_u",
        "i64.atomic.rmw8.sub_u", "i64.atomic.rmw16.sub_u", "i64.atomic.rmw32.sub_u",
        "i32.atomic.rmw.and", "i64.atomic.rmw.and", "i32.atomic.rmw8.and_u", "i32.atomic.rmw16.and_u",
        "i64.atomic.rmw8.and_u", "i64.atomic.rmw16.and_u", "i64.atomic.rmw32.and_u",
        "i32.atomic.rmw.or", "i64.atomic.rmw.or", "i32.atomic.rmw8.or_u", "i32.atomic.rmw16.or_u",
        "i64.atomic.rmw8.or_u", "i64.atomic.rmw16.or_u", "i64.atomic.rmw32.or_u",
        "i32.atomic.rmw.xor", "i64.atomic.rmw.xor", "i32.atomic.rmw8.xor_u", "i32.atomic.rmw16.xor_u",
        "i64.atomic.rmw8.xor_u", "i64.atomic.rmw16.xor_u", "i64.atomic.rmw32.xor_u",
        "i32.atomic.rmw.xchg", "i64.atomic.rmw.xchg", "i32.atomic.rmw8.xchg_u", "i32.atomic.rmw16.xchg_u",
        "i64.atomic.rmw8.xchg_u", "i64.atomic.rmw16.xchg_u", "i64.atomic.rmw32.xchg_u",
        "i32.atomic.rmw.cmpxchg", "i64.atomic.rmw.cmpxchg", "i32.atomic.rmw8.cmpxchg_u",
        "i32.atomic.rmw16.cmpxchg_u", "i64.atomic.rmw8.cmpxchg_u", "i64.atomic.rmw16.cmpxchg_u",
        "i64.atomic.rmw32.cmpxchg_u",
      ]),
    // Shared-everything threads.
    InstructionRun(
      0x34F, .orderGlobal,
      [
        "global.atomic.get", "global.atomic.set", "global.atomic.rmw.add", "global.atomic.rmw.sub",
        "global.atomic.rmw.and", "global.atomic.rmw.or", "global.atomic.rmw.xor", "global.atomic.rmw.xchg",
        "global.atomic.rmw.cmpxchg",
      ]),
    InstructionRun(
      0x358, .orderTable,
      ["table.atomic.get", "table.atomic.set", "table.atomic.rmw.xchg", "table.atomic.rmw.cmpxchg"]),
    InstructionRun(
      0x35C, .orderTypeField,
      [
        "struct.atomic.get", "struct.atomic.get_s", "struct.atomic.get_u", "struct.atomic.set",
        "struct.atomic.rmw.add", "struct.atomic.rmw.sub", "struct.atomic.rmw.and", "struct.atomic.rmw.or",
        "struct.atomic.rmw.xor", "struct.atomic.rmw.xchg", "struct.atomic.rmw.cmpxchg",
      ]),
    InstructionRun(
      0x367, .orderType,
      [
        "array.atomic.get", "array.atomic.get_s", "array.atomic.get_u", "array.atomic.set",
        "array.atomic.rmw.add", "array.atomic.rmw.sub", "array.atomic.rmw.and", "array.atomic.rmw.or",
        "array.atomic.rmw.xor", "array.atomic.rmw.xchg", "array.atomic.rmw.cmpxchg",
      ]),
    InstructionRun(0x372, .none, ["ref.i31_shared"]),
  ]
}
