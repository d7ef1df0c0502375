import WebAssemblyFormat

/// Gives emscripten's trampolines their code, which catches exceptions as the other code of the link does.
///
/// Afterwards their unit is an object like others.
struct TrampolinePass {
  private var resolution: Resolution

  private let options: LinkOptions

  init(_ resolution: consuming Resolution, _ options: LinkOptions) {
    self.resolution = resolution
    self.options = options
  }

  consuming func run() -> Resolution {
    guard let place = resolution.trampolines else { return resolution }
    // Of engines in use, more have the older instructions alone than the newer ones alone.
    let used = resolution.inLinkOrder.lazy.compactMap { $0.exceptionForm() }.first ?? .legacy
    let form = options.translatesExceptions ? .standard : used
    let (module, relocations) = place.maker.make(catching: form)
    resolution.replace(place.unit, by: module, relocations, targets: [])
    return resolution
  }
}
