import SimulatedPeers
import Testing

/// Calls of every kind, each decided by its seed. `simulate-calls` runs thousands of them.
@Suite struct ScenarioTests {
    @Test(arguments: CallKind.allCases)
    func `calls of this kind connect where there is a path, media flow, and nothing is left of them`(kind: CallKind) {
        for seed in 0..<4 as Range<UInt64> {
            let outcome = CallScenario(kind, seed: seed).run()
            #expect(outcome.failures.isEmpty, "simulate-calls 1 --seed \(seed) --only \(kind.rawValue) --trace")
            #expect(outcome.isConnected == outcome.hasPath)
        }
    }

    @Test func `a seed decides everything`() {
        func trace() -> [String] {
            var lines: [String] = []
            _ = CallScenario(.loss, seed: 3).run { lines.append($0) }
            return lines
        }
        let first = trace()
        #expect(first.count > 50)
        #expect(first == trace())
    }
}
