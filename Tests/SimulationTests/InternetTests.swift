import SimulatedPeers
import Testing
import Wire

/// The simulated internet itself: what is proven on it holds only as far as it behaves like the real one.
@Suite struct InternetTests {
    /// Which kinds of translators let two ends reach each other (RFC 5128 §3.3, RFC 4787 §4, §5).
    @Test(arguments: [
        (NATBehaviour.fullCone, NATBehaviour.fullCone, true),
        (.portRestrictedCone, .portRestrictedCone, true),
        (.portRestrictedCone, .restrictedCone, true),
        (.symmetric, .fullCone, true),
        (.symmetric, .restrictedCone, true),
        (.symmetric, .portRestrictedCone, false),
        (.symmetric, .symmetric, false),
    ])
    func `two translators let a path through as their kinds say`(
        left: NATBehaviour, right: NATBehaviour, hasPath: Bool
    ) {
        let topology = Topology([.behind(left), .behind(right)])
        #expect(topology.hasPath(0, 1) == hasPath)
        #expect(topology.hasPath(1, 0) == hasPath)
        #expect(Topology([.behind(left), .public]).hasPath(0, 1))
    }

    @Test func `behind one translator without hairpinning, neighbours in different networks do not reach each other`() {
        var topology = Topology([.behindProvider(.fullCone), .behindProvider(.fullCone)])
        topology.providerNAT = .fullCone
        #expect(topology.hasPath(0, 1))
        topology.providerNAT.hairpins = false
        #expect(!topology.hasPath(0, 1))
        #expect(Topology([.shared, .shared]).hasPath(0, 1))
    }

    @Test func `a mapping is forgotten after its time, and at once when the device starts anew`() {
        var nat = SimulatedNAT(
            outside: .v4(1), behaviour: .portRestrictedCone, random: SeededRandomSource(seed: 1))
        let inside = SocketAddress(.v4(2), port: 5000)
        let remote = SocketAddress(.v4(3), port: 6000)
        let start = Instant.zero
        let outside = nat.outward(from: inside, to: remote, at: start)
        #expect(nat.inward(to: outside.port, from: remote, at: start + .seconds(119)) == inside)
        #expect(nat.inward(to: outside.port, from: remote, at: start + .seconds(121)) == nil)
        #expect(nat.inward(to: outside.port, from: SocketAddress(.v4(3), port: 6001), at: start) == nil)
        #expect(nat.outward(from: inside, to: remote, at: start + .seconds(100)) == outside)
        #expect(nat.inward(to: outside.port, from: remote, at: start + .seconds(200)) == inside)
        nat.reboot()
        #expect(nat.inward(to: outside.port, from: remote, at: start + .seconds(200)) == nil)
    }

    /// When what is sent every 10 ms arrives.
    private func arrivals(_ conditions: PathConditions, count: Int = 10_000, size: Int = 100) -> [[Duration]] {
        var path = ImpairedPath(conditions, random: SeededRandomSource(seed: 1))
        return (0..<count).map { number in
            let now = Instant.zero + .milliseconds(10 * number)
            return path.arrivals(of: size, at: now).map { $0 - now }
        }
    }

    @Test(arguments: [nil, 40] as [Int?])
    func `the part lost is as wanted, singly or in bursts of some milliseconds`(burst: Int?) {
        var conditions = PathConditions(loss: 0.2)
        conditions.lossBurst = burst.map { .milliseconds($0) }
        let arrived = arrivals(conditions, count: 50_000)
        let lost = arrived.count(where: \.isEmpty)
        #expect((9000...11_000).contains(lost))
        let bursts = zip(arrived, arrived.dropFirst()).count { $0.isEmpty && !$1.isEmpty }
        // of datagrams 10 ms apart that are lost by themselves, 1.25 are lost in a row
        let length = Double(lost) / Double(bursts)
        #expect(abs(length - (burst == nil ? 1.25 : 4.5)) < 0.5)
    }

    @Test func `a bottleneck delays what waits, and drops what finds its queue full`() {
        var conditions = PathConditions.none
        // a packet of 100 bytes and 28 of headers takes 12.8 ms, and one comes every 10 ms
        conditions.rate = .init(bitsPerSecond: 80_000, queueBytes: 1280)
        let arrived = arrivals(conditions)
        #expect(arrived[0] == [.microseconds(12_800)])
        let delays = arrived.compactMap(\.first)
        #expect(delays.max().map { $0 > .milliseconds(100) && $0 <= .milliseconds(141) } == true)
        let part = Double(delays.count) / 10_000
        #expect(abs(part - 10 / 12.8) < 0.02)
    }

    @Test func `larger packets than the path takes vanish`() {
        var conditions = PathConditions.none
        conditions.maximumTransmissionUnit = 1280
        #expect(arrivals(conditions, count: 1, size: 1252) == [[.zero]])
        #expect(arrivals(conditions, count: 1, size: 1253) == [[]])
    }

    @Test func `a stall holds everything back until it ends`() throws {
        var conditions = PathConditions.none
        conditions.spikes = .init(interval: .seconds(1), length: .milliseconds(300) ... .milliseconds(300))
        let delays = arrivals(conditions).compactMap(\.first)
        let longest = try #require(delays.max())
        #expect(longest > .milliseconds(250) && longest <= .milliseconds(300))
        let late = Double(delays.count { $0 > .zero }) / Double(delays.count)
        #expect((0.15...0.35).contains(late))
    }
}
