// The table of instructions: opcodes without a prefix.

extension InstructionRun {
  static let plain: [InstructionRun] = [
    InstructionRun(0x00, .none, ["unreachable", "nop"]),
    InstructionRun(0x02, .block, ["block"]),
    InstructionRun(0x03, .loop, ["loop"]),
    InstructionRun(0x04, .if, ["if"]),
    InstructionRun(0x05, .else, ["else"]),
    InstructionRun(0x06, .try, ["try"]),
    InstructionRun(0x07, .catch, ["catch"]),
    InstructionRun(0x08, .tag, ["throw"]),
    InstructionRun(0x09, .label, ["rethrow"]),
    InstructionRun(0x0A, .none, ["throw_ref"]),
    InstructionRun(0x0B, .end, ["end"]),
    InstructionRun(0x0C, .label, ["br", "br_if"]),
    InstructionRun(0x0E, .labels, ["br_table"]),
    InstructionRun(0x0F, .none, ["return"]),
    InstructionRun(0x10, .function, ["call"]),
    InstructionRun(0x11, .typeTable, ["call_indirect"]),
    InstructionRun(0x12, .function, ["return_call"]),
    InstructionRun(0x13, .typeTable, ["return_call_indirect"]),
    InstructionRun(0x14, .type, ["call_ref", "return_call_ref"]),
    InstructionRun(0x18, .delegate, ["delegate"]),
    InstructionRun(0x19, .catchAll, ["catch_all"]),
    InstructionRun(0x1A, .none, ["drop", "select"]),
    InstructionRun(0x1C, .selectTypes, ["select"]),
    InstructionRun(0x1F, .tryTable, ["try_table"]),
    InstructionRun(0x20, .local, ["local.get", "local.set", "local.tee"]),
    InstructionRun(0x23, .global, ["global.get", "global.set"]),
    InstructionRun(0x25, .table, ["table.get", "table.set"]),
    InstructionRun(
      0x28, .memoryArgument,
      [
        "i32.load", "i64.load", "f32.load", "f64.load",
        "i32.load8_s", "i32.load8_u", "i32.load16_s", "i32.load16_u",
        "i64.load8_s", "i64.load8_u", "i64.load16_s", "i64.load16_u", "i64.load32_s", "i64.load32_u",
        "i32.store", "i64.store", "f32.store", "f64.store",
        "i32.store8", "i32.store16", "i64.store8", "i64.store16", "i64.store32",
      ]),
    InstructionRun(0x3F, .memory, ["memory.size", "memory.grow"]),
    InstructionRun(0x41, .i32, ["i32.const"]),
    InstructionRun(0x42, .i64, ["i64.const"]),
    InstructionRun(0x43, .bytes4, ["f32.const"]),
    InstructionRun(0x44, .bytes8, ["f64.const"]),
    InstructionRun(0x45, .none, comparisons + arithmetic + conversions),
    InstructionRun(0xD0, .heapType, ["ref.null"]),
    InstructionRun(0xD1, .none, ["ref.is_null"]),
    InstructionRun(0xD2, .function, ["ref.func"]),
    InstructionRun(0xD3, .none, ["ref.eq", "ref.as_non_null"]),
    InstructionRun(0xD5, .label, ["br_on_null", "br_on_non_null"]),
    // Stack switching.
    InstructionRun(0xE0, .type, ["cont.new"]),
    InstructionRun(0xE1, .typeType, ["cont.bind"]),
    InstructionRun(0xE2, .tag, ["suspend"]),
    InstructionRun(0xE3, .typeHandlers, ["resume"]),
    InstructionRun(0xE4, .typeTagHandlers, ["resume_throw"]),
    InstructionRun(0xE5, .typeHandlers, ["resume_throw_ref"]),
    InstructionRun(0xE6, .typeTag, ["switch"]),
  ]

  private static let comparisons: [StaticString] = [
    "i32.eqz", "i32.eq", "i32.ne", "i32.lt_s", "i32.lt_u", "i32.gt_s", "i32.gt_u", "i32.le_s", "i32.le_u",
    "i32.ge_s", "i32.ge_u",
    "i64.eqz", "i64.eq", "i64.ne", "i64.lt_s", "i64.lt_u", "i64.gt_s", "i64.gt_u", "i64.le_s", "i64.le_u",
    "i64.ge_s", "i64.ge_u",
    "f32.eq", "f32.ne", "f32.lt", "f32.gt", "f32.le", "f32.ge",
    "f64.eq", "f64.ne", "f64.lt", "f64.gt", "f64.le", "f64.ge",
  ]

  private static let arithmetic: [StaticString] = [
    "i32.clz", "i32.ctz", "i32.popcnt", "i32.add", "i32.sub", "i32.mul", "i32.div_s", "i32.div_u", "i32.rem_s",
    "i32.rem_u", "i32.and", "i32.or", "i32.xor", "i32.shl", "i32.shr_s", "i32.shr_u", "i32.rotl", "i32.rotr",
    "i64.clz", "i64.ctz", "i64.popcnt", "i64.add", "i64.sub", "i64.mul", "i64.div_s", "i64.div_u", "i64.rem_s",
    "i64.rem_u", "i64.and", "i64.or", "i64.xor", "i64.shl", "i64.shr_s", "i64.shr_u", "i64.rotl", "i64.rotr",
    "f32.abs", "f32.neg", "f32.ceil", "f32.floor", "f32.trunc", "f32.nearest", "f32.sqrt", "f32.add", "f32.sub",
    "f32.mul", "f32.div", "f32.min", "f32.max", "f32.copysign",
    "f64.abs", "f64.neg", "f64.ceil", "f64.floor", "f64.trunc", "f64.nearest", "f64.sqrt", "f64.add", "f64.sub",
    "f64.mul", "f64.div", "f64.min", "f64.max", "f64.copysign",
  ]

  private static let conversions: [StaticString] = [
    "i32.wrap_i64", "i32.trunc_f32_s", "i32.trunc_f32_u", "i32.trunc_f64_s", "i32.trunc_f64_u",
    "i64.extend_i32_s", "i64.extend_i32_u", "i64.trunc_f32_s", "i64.trunc_f32_u", "i64.trunc_f64_s",
    "i64.trunc_f64_u",
    "f32.convert_i32_s", "f32.convert_i32_u", "f32.convert_i64_s", "f32.convert_i64_u", "f32.demote_f64",
    "f64.convert_i32_s", "f64.convert_i32_u", "f64.convert_i64_s", "f64.convert_i64_u", "f64.promote_f32",
    "i32.reinterpret_f32", "i64.reinterpret_f64", "f32.reinterpret_i32", "f64.reinterpret_i64",
    "i32.extend8_s", "i32.extend16_s", "i64.extend8_s", "i64.extend16_s", "i64.extend32_s",
  ]
}
