extension Option {
  /// The option as the help and the manual show it: all spellings that are worth telling, and the value.
  var synopsis: String {
    // `--name=value` stands for `--name value` as well.
    let shown = spellings.filter { spelling in
      spelling.form != .separate || !spellings.contains { $0.name == spelling.name + "=" }
    }
    // Short ones first, as everybody does.
    let ordered = shown.filter { $0.name.utf8.count == 1 } + shown.filter { $0.name.utf8.count > 1 }
    return ordered.map { spelling in
      let space = spelling.form == .joinedOrSeparate || spelling.form == .separate ? " " : ""
      return spelling.typed + (value.placeholder.map { space + $0 } ?? "")
    }.joined(separator: ", ")
  }
}

extension OptionTable {
  private func options(in group: Option.Group, showsHidden: Bool = false) -> [Option] {
    options.filter { $0.group == group && (showsHidden || !$0.isHidden) }
  }

  /// The text of `--help`, for a terminal of 100 columns, or of `--help-hidden`.
  func help(program: String, showsHidden: Bool = false) -> String {
    let column = 30
    var text = """
      Solder, a static linker for WebAssembly: objects, archives, shared libraries and plain modules.

      Usage: \(program) [options] <input>... -o <output>

      An input is a file of any of these kinds, or <name>=<file>: then other inputs import from it under
      that module name. @<file> reads arguments from a file. \(program) merge <file> <name>... takes the
      command line of wasm-merge, and \(program) diff <old>.json <new>.json compares two size reports.

      """
    for group in Option.Group.allCases {
      text += "\n\(group.rawValue):\n"
      for option in options(in: group, showsHidden: showsHidden) {
        var line = "  " + option.synopsis
        var indent = String(repeating: " ", count: column)
        if line.utf8.count + 2 > column {
          text += line + "\n"
        } else {
          indent = String(repeating: " ", count: column - line.utf8.count)
          line += indent
          text += line
          indent = ""
        }
        let lines = OptionTable.wrap(
          option.isHidden ? "(taken for the sake of other tools)" : option.help, columns: 100 - column)
        text += indent + lines.joined(separator: "\n" + String(repeating: " ", count: column)) + "\n"
      }
    }
    return text
  }

  /// Breaks a sentence into lines of at most `columns` letters.
  private static func wrap(_ sentence: String, columns: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in sentence.split(separator: " ") {
      if !line.isEmpty && line.utf8.count + 1 + word.utf8.count > columns {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? "" : " "
      line += word
    }
    lines.append(line)
    return lines
  }

  /// A manual page for section 1, in the `man` macros.
  func manual() -> String {
    var text = """
      .TH SOLDER 1 "" "Solder \(solderVersion)" "User Commands"
      .SH NAME
      solder \\- static linker for WebAssembly
      .SH SYNOPSIS
      .B solder
      [\\fIoption\\fR]... \\fIinput\\fR... \\fB\\-o\\fR \\fIoutput\\fR
      .SH DESCRIPTION
      Solder links WebAssembly objects, archives, shared libraries and plain modules into one module.
      It takes the options of LLVM's
      .BR wasm\\-ld (1)
      and can stand in its place; unlike it, it links shared libraries statically.
      .PP
      What a file is, its content decides.
      An input may be written \\fIname\\fB=\\fIfile\\fR: then other inputs import from it under that module name.
      An argument \\fB@\\fIfile\\fR is replaced by the arguments in that file.
      Options whose names have several letters may be written with one dash or two, unless that makes them
      one\\-letter options.
      .PP
      .B solder merge
      takes the command line of
      .BR wasm\\-merge (1).
      .B solder diff
      \\fIold\\fB.json \\fInew\\fB.json\\fR [\\fB\\-\\-html=\\fIfile\\fR]
      compares two reports of
      .BR \\-\\-size\\-report .
      .SH OPTIONS

      """
    for group in Option.Group.allCases {
      text += ".SS \(OptionTable.roff(group.rawValue))\n"
      for option in options(in: group) {
        text += ".TP\n.B \(OptionTable.roff(option.synopsis))\n\(OptionTable.roff(option.help)).\n"
      }
    }
    text += """
      .SH EXIT STATUS
      0 when the output was written, 1 when there was an error.
      .SH ENVIRONMENT
      .TP
      .B LLD_REPRODUCE
      A file name, as if given with \\fB\\-\\-reproduce\\fR.
      .SH SEE ALSO
      .BR wasm\\-ld (1)

      """
    return text
  }

  /// Text in which dashes stay dashes that can be searched for and copied.
  private static func roff(_ text: String) -> String {
    var escaped = ""
    for letter in text {
      switch letter {
      case "\\": escaped += "\\e"
      case "-": escaped += "\\-"
      default: escaped.append(letter)
      }
    }
    return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
  }
}
