/// A pass of the link, in the order in which they run.
///
/// Some links leave passes out: a module that is alone is only read and written.
public enum LinkPass: String, CaseIterable, Sendable {
  case readInputs = "read inputs"
  case resolve = "resolve"
  case readRelocations = "read relocations"
  case mark = "mark"
  case memory = "memory"
  case foldIdentical = "fold identical"
  case number = "number"
  case symbolValues = "symbol values"
  case measureCode = "measure code"
  case customSections = "custom sections"
  case smallSections = "small sections"
  case write = "copy, patch, write"

  /// The one that usually follows.
  var next: LinkPass? {
    let all = LinkPass.allCases
    guard let index = all.firstIndex(of: self), index + 1 < all.count else { return nil }
    return all[index + 1]
  }
}
