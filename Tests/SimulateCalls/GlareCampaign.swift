import SimulatedPeers

/// Every order of two actions on either side, for all actions there are, on all processors.
struct GlareCampaign {
    /// Explores, prints what was found, and says whether all is well.
    func run() async -> Bool {
        let pairs = GlareAction.allCases.flatMap { first in GlareAction.allCases.map { [first, $0] } }
        let scripts = pairs + GlareAction.allCases.map { [$0] }
        let explored = await withTaskGroup(of: GlareExploration.self) { group in
            for polite in scripts {
                group.addTask {
                    var exploration = GlareExploration()
                    for impolite in scripts {
                        for isEstablished in [false, true] {
                            exploration.explore(polite: polite, impolite: impolite, isEstablished: isEstablished)
                        }
                    }
                    return exploration
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for failure in explored.flatMap(\.failures) { print("FAILED \(failure)") }
        let states = explored.reduce(0) { $0 + $1.states }
        let steps = explored.reduce(0) { $0 + $1.steps }
        let depth = explored.map(\.depth).max() ?? 0
        let isPassed = explored.allSatisfy(\.failures.isEmpty)
        print(
            "glare: \(states) states by \(steps) steps, up to \(depth) in a row:"
                + (isPassed ? " every order ends stable, with every track" : " FAILURES"))
        return isPassed
    }
}
