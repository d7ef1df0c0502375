/// SplitMix64: the same numbers on every machine.
struct Random {
  private var state: UInt64

  init(_ seed: UInt64...) {
    state = seed.reduce(0x9e37_79b9_7f4a_7c15) { mixed($0 &* 0xff51_afd7_ed55_8ccd &+ $1) }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return mixed(state)
  }

  /// A number from 0 to `bound` - 1.
  mutating func below(_ bound: Int) -> Int {
    Int(((next() >> 32) &* UInt64(bound)) >> 32)
  }

  mutating func chance(percent: Int) -> Bool {
    below(100) < percent
  }

  mutating func element<Element>(of array: [Element]) -> Element {
    array[below(array.count)]
  }
}

private func mixed(_ value: UInt64) -> UInt64 {
  var value = value
  value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
  value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
  return value ^ (value >> 31)
}

/// A number that depends on nothing but its arguments.
func hash(_ seed: UInt64, _ first: Int, _ second: Int, _ purpose: Int = 0) -> Int {
  var value = mixed(seed ^ 0x5bd1_e995 ^ UInt64(truncatingIfNeeded: purpose) << 32)
  value = mixed(value &+ UInt64(truncatingIfNeeded: first) &* 0x9e37_79b9_7f4a_7c15)
  value = mixed(value &+ UInt64(truncatingIfNeeded: second) &* 0xc2b2_ae3d_27d4_eb4f)
  return Int(value >> 33)
}
