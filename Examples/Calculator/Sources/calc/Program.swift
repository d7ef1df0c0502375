/// A program whose names and types are settled: what the checker makes and the code generator reads.
struct Program {
  var functions: [Function] = []
  /// Top-level variables; each becomes a global of the module.
  var globals: [Variable] = []
  /// The statements outside of functions.
  var main = Function(name: "calc_main", signature: Signature([], .nothing))
  /// The runtime functions that the program needs, in the order of their first use.
  var runtimeFunctions: [RuntimeFunction] = [.finish]
  /// The functions that are used as values, in the order of their first use: the table's slots from 1 on.
  var functionValues: [FunctionReference] = []
  /// String literals, each once; the first is the empty one.
  var strings: [String] = [""]
  /// Whether some statement ends the program early.
  var exits = false
}

/// A variable of a function or of the program.
struct Variable {
  var name: String
  var type: CalcType
}

/// A function with its statements.
struct Function {
  var name: String
  var signature: Signature
  /// The parameters, then the variables, in the order of declaration.
  var locals: [Variable] = []
  var body: [Step] = []

  init(name: String, signature: Signature) {
    self.name = name
    self.signature = signature
  }
}

/// A function of the program, by its index in `Program.functions`, or one of the runtime library.
enum FunctionReference: Hashable {
  case program(Int)
  case runtime(RuntimeFunction)
}

/// Where a variable lives.
enum Place {
  case local(Int)
  case global(Int)
}

/// A checked statement.
indirect enum Step {
  case store(Place, Value)
  case evaluate(Value)
  case conditional(Value, then: [Step], otherwise: [Step])
  case loop(Value, [Step])
  case `return`(Value?)
  case exit(Value)
}

/// A checked expression.
struct Value {
  indirect enum Kind {
    case number(Double)
    case bool(Bool)
    /// Index in `Program.strings`.
    case string(Int)
    case load(Place)
    /// Index in `Program.functionValues`.
    case functionValue(Int)
    case list([Value])
    case call(FunctionReference, [Value])
    case callValue(Value, Signature, [Value])
    case negate(Value)
    case not(Value)
    /// Arithmetic or comparison of two numbers.
    case numeric(BinaryOperator, Value, Value)
    /// `equal` or `notEqual` of two i32 values.
    case identity(BinaryOperator, Value, Value)
    /// Comparison of an i32 with 0.
    case compareWithZero(BinaryOperator, Value)
    case conditional(condition: Value, then: Value, otherwise: Value)
  }

  var kind: Kind
  var type: CalcType
}
