/// A shell that completes command lines.
enum Shell: String {
  case bash
  case zsh
  case fish
}

extension OptionTable {
  /// A script that teaches `shell` the options of `program`.
  func completions(_ shell: Shell, program: String) -> String {
    switch shell {
    case .bash: bashCompletions(program)
    case .zsh: zshCompletions(program)
    case .fish: fishCompletions(program)
    }
  }

  /// All visible options, each spelling for itself.
  private var visibleSpellings: [(option: Option, spelling: Option.Spelling)] {
    options.filter { !$0.isHidden }.flatMap { option in option.spellings.map { (option, $0) } }
  }

  /// The choices that are words to type, not the shape of one.
  private static func words(_ choices: [String]) -> [String] { choices.filter { !$0.contains("<") } }

  /// The spellings that are offered: `--name=value` stands for `--name value` too.
  private static func isOffered(_ spelling: Option.Spelling, of option: Option) -> Bool {
    spelling.form != .separate || !option.spellings.contains { $0.name == spelling.name + "=" }
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  private func bashCompletions(_ program: String) -> String {
    var choices: [String] = []
    var files: [String] = []
    var folders: [String] = []
    for (option, spelling) in visibleSpellings where spelling.form != .flag {
      let name = spelling.typed.hasSuffix("=") ? String(spelling.typed.dropLast()) : spelling.typed
      switch option.value {
      case .choices(let values):
        choices.append(
          "    \(name)) COMPREPLY=($(compgen -W \(Self.quoted(Self.words(values).joined(separator: " "))) -- \"$word\")) ;;"
        )
      case .directory: folders.append(name)
      case .file: files.append(name)
      case .none, .text: break
      }
    }
    let words = visibleSpellings.filter { Self.isOffered($0.spelling, of: $0.option) }.map(\.spelling.typed).joined(
      separator: " ")
    return """
      _\(Self.identifier(program))() {
        local word="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
        COMPREPLY=()
        # Bash takes "--name=value" for three words.
        if [[ $word == "=" ]]; then
          word=""
        elif [[ $previous == "=" ]]; then
          previous="${COMP_WORDS[COMP_CWORD-2]}"
        fi
        case "$previous" in
      \(choices.uniqued.joined(separator: "\n"))
          \(folders.uniqued.joined(separator: "|"))) COMPREPLY=($(compgen -d -- "$word")) ;;
          \(files.uniqued.joined(separator: "|"))) COMPREPLY=($(compgen -f -- "$word")) ;;
          *)
            if [[ $word == -* ]]; then
              COMPREPLY=($(compgen -W \(Self.quoted(words)) -- "$word"))
              [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
            else
              COMPREPLY=($(compgen -f -- "$word"))
            fi ;;
        esac
      }
      complete -o filenames -F _\(Self.identifier(program)) \(program)

      """
  }

  private func zshCompletions(_ program: String) -> String {
    var lines: [String] = []
    for (option, spelling) in visibleSpellings where Self.isOffered(spelling, of: option) {
      var name = spelling.typed
      switch spelling.form {
      case .flag, .separate: break
      // The minus keeps zsh from offering the value as a word of its own.
      case .joined where !option.spellings.contains { $0.form == .separate }: name += "-"
      case .joined: break
      case .joinedOrSeparate: name += "+"
      }
      let action =
        switch option.value {
        case .none: ""
        case .text(let value): ":\(Self.zsh(value)): "
        case .file(let value): ":\(Self.zsh(value)):_files"
        case .directory(let value): ":\(Self.zsh(value)):_files -/"
        case .choices(let values): ":value:(\(Self.words(values).map { Self.zsh($0) }.joined(separator: " ")))"
        }
      lines.append("  " + Self.quoted("*\(name)[\(Self.zsh(option.help))]\(action)"))
    }
    return """
      #compdef \(program)
      _arguments \\
      \(lines.joined(separator: " \\\n")) \\
        '*:input:_files'

      """
  }

  /// Text inside a specification of zsh's `_arguments`, where colons and brackets have a meaning.
  private static func zsh(_ text: String) -> String {
    var escaped = ""
    for letter in text {
      if ":[]\\".contains(letter) { escaped += "\\" }
      escaped.append(letter)
    }
    return escaped
  }

  private func fishCompletions(_ program: String) -> String {
    var text = ""
    for (option, spelling) in visibleSpellings where Self.isOffered(spelling, of: option) {
      let name = spelling.name.hasSuffix("=") ? String(spelling.name.dropLast()) : spelling.name
      let kind = name.utf8.count == 1 ? "-s" : spelling.dashes == .one ? "-o" : "-l"
      var line = "complete -c \(program) \(kind) \(Self.quoted(name)) -d \(Self.quoted(option.help))"
      switch option.value {
      case .none: break
      case .text: line += " -x"
      case .file: line += " -r -F"
      case .directory: line += " -x -a '(__fish_complete_directories)'"
      case .choices(let values): line += " -x -a \(Self.quoted(Self.words(values).joined(separator: " ")))"
      }
      text += line + "\n"
    }
    return text
  }

  /// The name of a shell function.
  private static func identifier(_ program: String) -> String {
    String(program.map { $0.isLetter || $0.isNumber ? $0 : "_" })
  }
}

extension Array where Element: Hashable {
  /// The elements without those that came before.
  fileprivate var uniqued: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
