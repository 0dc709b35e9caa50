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
                for isEstablished in [false, true] {
                    exploration.explore(polite: [first, second], impolite: other, isEstablished: isEstablished)
                    exploration.explore(polite: other, impolite: [first, second], isEstablished: isEstablished)
                }
            }
        }
        #expect(exploration.failures.isEmpty, "\(exploration.failures.joined(separator: "\n"))")
        #expect(exploration.states > 500 && exploration.ends > 20)
    }
}
