extension OptionTable {
  /// Tells options, their values and inputs apart.
  ///
  /// An option that lacks its value ends the parse, as nothing after it can be told for sure.
  /// - Parameters:
  ///   - arguments: the command line without the program's name, after response files.
  ///   - keepsEmpty: whether an empty argument is an input, instead of nothing.
  func parse(_ arguments: [String], keepsEmpty: Bool = false) -> [ParsedArgument] {
    var parsed: [ParsedArgument] = []
    parsed.reserveCapacity(arguments.count)
    var index = 0
    while index < arguments.count {
      let text = arguments[index]
      index += 1
      // Drivers pass empty arguments for variables that are not set.
      if text.isEmpty, !keepsEmpty { continue }
      guard text.hasPrefix("-") && text != "-" else {
        parsed.append(ParsedArgument(kind: .input, text: text, spelling: "", value: text, form: .flag))
        continue
      }
      guard let match = match(text) else {
        parsed.append(ParsedArgument(kind: .unknown, text: text, spelling: text, value: "", form: .flag))
        continue
      }
      var argument = ParsedArgument(
        kind: .option(match.option), text: text, spelling: match.spelling, value: match.value, form: match.form)
      let takesNext = match.form == .separate || (match.form == .joinedOrSeparate && match.value.isEmpty)
      if takesNext {
        argument.form = .separate
        guard index < arguments.count else {
          argument.kind = .incomplete
          parsed.append(argument)
          break
        }
        argument.value = arguments[index]
        index += 1
      } else if match.form == .joinedOrSeparate {
        argument.form = .joined
      }
      parsed.append(argument)
    }
    return parsed
  }

  /// The spelling that an unknown option most likely meant, nil when nothing is near.
  func suggestion(for argument: String) -> String? {
    let typed = argument.prefix { $0 != "=" }
    // A fifth of the name may be wrong; more, and suggestions for short options become guesses.
    let limit = min(3, max(1, typed.utf8.count / 5))
    var best: (distance: Int, spelling: String)?
    for option in options where !option.isHidden {
      for spelling in option.spellings where spelling.name.utf8.count > 1 {
        let candidate = spelling.typed
        let name = candidate.hasSuffix("=") ? candidate.dropLast() : candidate[...]
        let distance = editDistance(Array(typed.utf8), Array(name.utf8), limit: limit)
        if distance <= limit && distance < (best?.distance ?? .max) { best = (distance, candidate) }
      }
    }
    return best?.spelling
  }
}

/// The number of letters to insert, drop, replace or swap with their neighbour that make `left` into `right`; some
/// number beyond `limit` when there are more than that.
func editDistance(_ left: [UInt8], _ right: [UInt8], limit: Int) -> Int {
  guard abs(left.count - right.count) <= limit else { return limit + 1 }
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for (row, letter) in left.enumerated() {
    var current = [row + 1]
    current.reserveCapacity(right.count + 1)
    for (column, other) in right.enumerated() {
      var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
      if row > 0 && column > 0 && letter == right[column - 1] && left[row - 1] == other {
        cost = min(cost, beforeLast[column - 1] + 1)
      }
      current.append(cost)
    }
    (beforeLast, last) = (last, current)
  }
  return last[right.count]
}
