import SimulatedPeers
import Testing

/// Two peers that negotiate at once, in every order of events (W3C WebRTC §10.7, perfect negotiation).
@Suite struct GlareTests {
    private static let scripts: [[GlareAction]] = GlareAction.allCases.map { [$0] }

    @Test(arguments: GlareAction.allCases)
    func `in every order of two actions of one side and one of the other, both end stable and lose no track`(
        first: GlareAction
    ) {
        var exploration = GlareExploration()
        for second in GlareAction.allCases {
            for other in Self.scripts {
                // on a new connection there is nothing to remove or to stop; and of the orders with these, half suffice
                let ending: [GlareAction] = [.removeTrack, .stop]
                let isEnding = !Set([first, second] + other).isDisjoint(with: ending)
                if isEnding, !ending.contains(second) { continue }
                for isEstablished in isEnding ? [true] : [false, true] {
                    exploration.explore(polite: [first, second], impolite: other, isEstablished: isEstablished)
                    exploration.explore(polite: other, impolite: [first, second], isEstablished: isEstablished)
                }
            }
        }
        #expect(exploration.failures.isEmpty, "\(exploration.failures.joined(separator: "\n"))")
        #expect(exploration.states > 500 && exploration.ends > 20)
    }
}
