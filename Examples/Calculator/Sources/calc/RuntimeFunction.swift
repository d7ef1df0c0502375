/// The functions of the C runtime library, under the names it exports.
enum RuntimeFunction: String, CaseIterable {
  // Called by name in the language.
  case length = "rt_text_length"
  case upper = "rt_text_upper"
  case reverse = "rt_text_reverse"
  case text = "rt_text_of_number"
  case parse = "rt_number_of_text"
  case count = "rt_list_count"
  case append = "rt_list_append"
  case join = "rt_list_join"
  case map = "rt_list_map"
  case sort = "rt_list_sort"
  case fold = "rt_list_fold"
  case mapWords = "rt_text_map_words"
  case operation = "rt_operation"
  case squareRoot = "rt_square_root"
  case floor = "rt_floor"
  case absolute = "rt_absolute"

  // Behind operators and statements.
  case concatenate = "rt_text_concatenate"
  case compareTexts = "rt_text_compare"
  case character = "rt_text_character"
  case remainder = "rt_remainder"
  case newList = "rt_list_new"
  case push = "rt_list_push"
  case element = "rt_list_element"
  case printNumber = "rt_print_number"
  case printString = "rt_print_text"
  case printBool = "rt_print_bool"
  case printList = "rt_print_list"
  case finish = "rt_finish"

  /// The function that a name of the language stands for.
  static let byName: [String: RuntimeFunction] = [
    "length": .length, "upper": .upper, "reverse": .reverse, "text": .text, "parse": .parse,
    "count": .count, "append": .append, "join": .join, "map": .map, "sort": .sort, "fold": .fold,
    "map_words": .mapWords, "operation": .operation, "sqrt": .squareRoot, "floor": .floor, "abs": .absolute,
  ]

  /// Must agree with `Runtime/calcrt.h`.
  var signature: Signature {
    let numberToNumber = Signature([.number], .number)
    let twoNumbersToNumber = Signature([.number, .number], .number)
    let inOrder = Signature([.number, .number], .bool)
    return switch self {
    case .length: Signature([.string], .number)
    case .upper, .reverse: Signature([.string], .string)
    case .text: Signature([.number], .string)
    case .parse: Signature([.string], .number)
    case .count: Signature([.list], .number)
    case .append, .push: Signature([.list, .number], .list)
    case .join: Signature([.list, .string], .string)
    case .map: Signature([.list, .function(numberToNumber)], .list)
    case .sort: Signature([.list, .function(inOrder)], .list)
    case .fold: Signature([.list, .number, .function(twoNumbersToNumber)], .number)
    case .mapWords: Signature([.string, .function(Signature([.string], .string))], .string)
    case .operation: Signature([.string], .function(numberToNumber))
    case .squareRoot, .floor, .absolute: numberToNumber
    case .concatenate: Signature([.string, .string], .string)
    // Below, at or above 0, like `strcmp`: of the language's types, `bool` is the one that is a plain i32.
    case .compareTexts: Signature([.string, .string], .bool)
    case .character: Signature([.string, .number], .string)
    case .remainder: twoNumbersToNumber
    case .newList: Signature([.number], .list)
    case .element: Signature([.list, .number], .number)
    case .printNumber: Signature([.number], .nothing)
    case .printString: Signature([.string], .nothing)
    case .printBool: Signature([.bool], .nothing)
    case .printList: Signature([.list], .nothing)
    case .finish: Signature([], .nothing)
    }
  }
}
