import WebAssemblyFormat

// Whether a read of a local can only be reached by way of its assignment.
//
// Following locals through blocks is most of what folding costs, and mostly there is nothing to be found out: a compiler
// sets a local to a base once, and reads it where every path has come by that. Structured code shows it. A part of a
// block (the body of a block or loop, one of the two of an `if`, a handler) is only entered at its beginning, and inner
// blocks go on behind their end or leave the part. So what stands in a part behind an instruction of that part, in
// however many blocks, is only reached by way of that instruction. And an instruction in front of which only plain blocks
// begin, and nothing branches or ends, is on every path to what is behind it, wherever those blocks end: a compiler begins
// a block where the function begins if something branches to its end later.
//
// Where all reads of all locals are of that kind, the order of the code is all there is to know, as in code without blocks.

extension FlowSteps {
  /// Where an instruction is among blocks, as far as its places tell.
  struct Nest {
    /// How many blocks are around it.
    private(set) var depth = 0
    /// Whether only plain blocks begin in front of it, and nothing else happens.
    private(set) var isStraight = true

    /// Whether every path to what is behind it comes by it.
    var isOnEveryPath: Bool { depth == 0 || isStraight }

    /// Goes on behind an instruction that begins with a byte.
    ///
    /// - Returns: how deep the parts of blocks are that end there, and those in them; `nil` if none does.
    @inline(__always)
    mutating func pass(_ byte: UInt8) -> Int? {
      switch byte {
      // local.get, local.set, local.tee.
      case 0x20...0x22: return nil
      case 0x02:
        depth += 1
        return nil
      // end, delegate.
      case 0x0B, 0x18:
        isStraight = false
        depth -= 1
        return depth + 1
      // else, catch, catch_all.
      case 0x05, 0x07, 0x19:
        isStraight = false
        return depth
      // loop, if, try, try_table.
      case 0x03, 0x04, 0x06, 0x1F: depth += 1
      default: break
      }
      isStraight = false
      return nil
    }
  }

  /// Whether every read of a local that is followed is passed by its assignments in the order of the code, and by none
  /// that is only on some of the paths.
  func areReadsPassed(_ places: CodePlaces) -> Bool {
    var (nest, index) = (Nest(), 0)
    // Sets of locals: those that were read, that were assigned, that were assigned in a part of a block, and those of which
    // this part has ended.
    var (read, assigned, partial, ended): (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    // How deep those parts are; few locals are of this kind.
    var parts: [(local: UInt32, depth: Int)] = []
    for step in steps where step.opcode != .globalGet {
      let start = Int(step.start)
      while index < places.count, places[index] < start {
        if let depth = nest.pass(body[places[index]]), partial != ended {
          for part in parts where part.depth >= depth { ended |= part.local }
        }
        index += 1
      }
      let local = UInt32(1) << UInt32(step.slot)
      if ended & local != 0 { return false }
      if !step.isAssignment {
        read |= local
        continue
      }
      if nest.isOnEveryPath {
        if partial & local != 0 { return false }
      } else {
        if (read | assigned) & local != 0 { return false }
        partial |= local
        parts.append((local, nest.depth))
      }
      assigned |= local
    }
    return true
  }

  /// The index among the places of an assignment, and where that is among blocks; `nil` if it is none of them.
  func nest(of place: Int, _ places: CodePlaces) -> (index: Int, nest: Nest)? {
    var (nest, index) = (Nest(), 0)
    while index < places.count, places[index] < place {
      _ = nest.pass(body[places[index]])
      index += 1
    }
    return index < places.count && places[index] == place ? (index, nest) : nil
  }

  /// Whether the part of a block in which an assignment is goes on up to another place.
  func isInPart(of assignment: (index: Int, nest: Nest), _ last: Int, _ places: CodePlaces) -> Bool {
    var nest = assignment.nest
    for index in assignment.index + 1..<max(last, assignment.index + 1) {
      if let depth = nest.pass(body[places[index]]), depth <= assignment.nest.depth { return false }
    }
    return true
  }
}
