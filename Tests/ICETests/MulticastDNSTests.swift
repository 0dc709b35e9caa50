import Testing
import Wire

@testable import ICE

/// Multicast DNS (RFC 6762) as far as candidates need it (RFC 8828 §5.2).
@Suite struct MulticastDNSTests {
    static let name = "8a6f1d0e-1b2c-4d3e-8f90-a1b2c3d4e5f6.local"
    private let address = IPAddress("192.0.2.7")!
    private let neighbour = SocketAddress(IPAddress("192.0.2.9")!, port: 5353)
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func drain(_ core: inout MulticastDNS) -> [MulticastDNS.Output] {
        var outputs: [MulticastDNS.Output] = []
        while let output = core.nextOutput() { outputs.append(output) }
        return outputs
    }

    private func query(_ type: MDNSMessage.QuestionType = .a, wantsUnicast: Bool = false, id: UInt16 = 0) -> [UInt8] {
        MDNSMessage(
            id: id, isResponse: false,
            questions: [.init(name: Self.name.uppercased(), type: type, wantsUnicast: wantsUnicast)]
        ).serialized()
    }

    private func response(_ addresses: [IPAddress], timeToLive: UInt32 = 120) -> [UInt8] {
        MDNSMessage(
            isResponse: true,
            records: addresses.map {
                .init(name: Self.name, address: $0, timeToLive: timeToLive, flushesCache: true)
            }
        ).serialized()
    }

    // MARK: Asking

    @Test func `§5.2: a name is asked for three times, and then given up`() throws {
        var core = MulticastDNS()
        core.handle(.lookUp(Self.name), at: start)
        var times: [Duration] = []
        var outputs = drain(&core)
        var now = start
        while outputs.allSatisfy({ if case .multicast = $0 { true } else { false } }) {
            times.append(now - start)
            now = try #require(core.deadline)
            core.handle(.timePassed, at: now)
            outputs = drain(&core)
        }
        #expect(times == [.zero, .seconds(1), .seconds(3)])
        #expect(outputs == [.resolved(Self.name, [])])
        #expect(now - start == .seconds(5))
        #expect(core.deadline == nil)
    }

    @Test func `a question asks for the addresses of both families`() throws {
        var core = MulticastDNS()
        core.handle(.lookUp(Self.name), at: start)
        guard case .multicast(let datagram) = drain(&core).first else {
            Issue.record("nothing was asked")
            return
        }
        let message = try MDNSMessage(parsing: datagram)
        #expect(message.questions.map(\.type) == [.a, .aaaa])
        #expect(message.questions.allSatisfy { $0.name == Self.name })
    }

    @Test func `an answer resolves the name, whatever its case, and only once`() {
        var core = MulticastDNS()
        core.handle(.lookUp(Self.name), at: start)
        core.handle(.lookUp(Self.name), at: start)
        _ = drain(&core)
        let v6 = IPAddress("2001:db8::7")!
        for _ in 0..<2 { core.handle(.datagram(response([address, v6]), from: neighbour), at: start) }
        #expect(drain(&core) == [.resolved(Self.name, [address, v6])])
        #expect(core.deadline == nil)
    }

    @Test func `§6: a response from another port than 5353 is none, and a record taken back is no address`() {
        var core = MulticastDNS()
        core.handle(.lookUp(Self.name), at: start)
        _ = drain(&core)
        core.handle(.datagram(response([address]), from: SocketAddress(neighbour.ip, port: 5354)), at: start)
        core.handle(.datagram(response([address], timeToLive: 0), from: neighbour), at: start)
        #expect(drain(&core).isEmpty)
        #expect(core.discarded == 1)
    }

    @Test(arguments: ["example.org", "local", "a..local", String(repeating: "a", count: 64) + ".local", ""])
    func `what is no name for multicast DNS is not asked for`(name: String) {
        var core = MulticastDNS()
        core.handle(.lookUp(name), at: start)
        #expect(drain(&core) == [.resolved(name, [])])
    }

    @Test func `no more than a few hundred names are asked for at once`() {
        var core = MulticastDNS()
        for number in 0..<1000 { core.handle(.lookUp("n\(number).local"), at: start) }
        let refused = drain(&core).filter { if case .resolved = $0 { true } else { false } }
        #expect(refused.count == 1000 - 256)
    }

    // MARK: Answering

    @Test func `§8.3: a name is announced, and taken back with a time to live of 0`() throws {
        var core = MulticastDNS()
        core.handle(.publish(Self.name, address), at: start)
        core.handle(.withdraw(Self.name), at: start)
        let messages = try drain(&core).map { output in
            guard case .multicast(let datagram) = output else { throw MDNSError.unsupported }
            return try MDNSMessage(parsing: datagram)
        }
        #expect(messages.map { $0.records.map(\.timeToLive) } == [[120], [0]])
        #expect(messages.allSatisfy { $0.isResponse && $0.records[0].address == address && $0.records[0].flushesCache })
    }

    @Test func `§6: a record is multicast at most once a second`() {
        var core = MulticastDNS()
        core.handle(.publish(Self.name, address), at: start)
        _ = drain(&core)
        var answers: [Int] = []
        for milliseconds in [0, 500, 1000, 1200, 1900, 2100] {
            core.handle(.datagram(query(), from: neighbour), at: start + .milliseconds(milliseconds))
            answers.append(drain(&core).count)
        }
        #expect(answers == [0, 0, 1, 0, 0, 1])
    }

    @Test func `§5.4: an asker who wants it alone gets the answer alone`() {
        var core = MulticastDNS()
        core.handle(.publish(Self.name, address), at: start)
        _ = drain(&core)
        core.handle(.datagram(query(wantsUnicast: true), from: neighbour), at: start)
        #expect(drain(&core) == [.unicast(response([address]), to: neighbour)])
    }

    @Test func `§6.7: a legacy asker gets its question back, its identifier, and a short time to live`() throws {
        var core = MulticastDNS()
        core.handle(.publish(Self.name, address), at: start)
        _ = drain(&core)
        let asker = SocketAddress(neighbour.ip, port: 40000)
        core.handle(.datagram(query(.any, id: 77), from: asker), at: start)
        guard case .unicast(let datagram, asker) = drain(&core).first else {
            Issue.record("no answer")
            return
        }
        let message = try MDNSMessage(parsing: datagram)
        #expect(message.id == 77)
        #expect(message.questions.count == 1)
        #expect(message.records.map(\.timeToLive) == [10])
        #expect(!message.records[0].flushesCache)
    }

    @Test func `§6.7: of a legacy asker's questions only the one that is answered comes back, once`() throws {
        var core = MulticastDNS()
        core.handle(.publish(Self.name, address), at: start)
        _ = drain(&core)
        // the root, a label that is no UTF-8, and our name, again and again
        var datagram: [UInt8] = [0, 77, 0, 0, 0, 202, 0, 0, 0, 0, 0, 0]
        datagram += [0, 0, 1, 0, 1] + [63] + [UInt8](repeating: 0xFF, count: 63) + [0, 0, 1, 0, 1]
        let own = datagram.count
        datagram += query().dropFirst(12)
        for _ in 0..<199 { datagram += [0xC0, UInt8(own), 0, 1, 0, 1] }
        core.handle(.datagram(datagram, from: SocketAddress(neighbour.ip, port: 40000)), at: start)
        guard case .unicast(let answer, _) = drain(&core).first else {
            Issue.record("no answer")
            return
        }
        let message = try MDNSMessage(parsing: answer)
        #expect(message.questions.map(\.name) == [Self.name.uppercased()])
        #expect(message.records.count == 1)
    }

    @Test func `a question for another name, another family, or what the asker knows gets no answer`() {
        var core = MulticastDNS()
        core.handle(.publish(Self.name, address), at: start)
        _ = drain(&core)
        let later = start + .seconds(5)
        var knowing = MDNSMessage(isResponse: false, questions: [.init(name: Self.name, type: .a)])
        knowing.records = [.init(name: Self.name, address: address, timeToLive: 100, flushesCache: false)]
        let other = MDNSMessage(isResponse: false, questions: [.init(name: "x.local", type: .a)])
        for datagram in [query(.aaaa), knowing.serialized(), other.serialized()] {
            core.handle(.datagram(datagram, from: neighbour), at: later)
        }
        #expect(drain(&core).isEmpty)
    }

    @Test func `a name of our own is known without asking`() {
        var core = MulticastDNS()
        core.handle(.publish(Self.name, address), at: start)
        _ = drain(&core)
        core.handle(.lookUp(Self.name), at: start)
        #expect(drain(&core) == [.resolved(Self.name, [address])])
    }

    // MARK: The format

    @Test func `what is written is read back`() throws {
        var message = MDNSMessage(id: 3, isResponse: true)
        message.questions = [.init(name: "a.local", type: .any, wantsUnicast: true)]
        message.records = [
            .init(name: "b.c.local", address: .v4(0xC000_0201), timeToLive: 0x1234_5678, flushesCache: false),
            .init(name: "d.local", address: IPAddress("2001:db8::1")!, timeToLive: 1, flushesCache: true),
        ]
        #expect(try MDNSMessage(parsing: message.serialized()) == message)
    }

    /// What avahi answers: a pointer for the name, and records of other types around it (RFC 1035 §4.1.4).
    @Test func `a compressed name is followed, and records of other types are passed over`() throws {
        var datagram: [UInt8] = [0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 1]
        datagram += [1] + Array("x".utf8) + [5] + Array("local".utf8) + [0]
        datagram += [0, 16, 0x80, 1, 0, 0, 0, 120, 0, 2, 1, 65]
        datagram += [1] + Array("y".utf8) + [0xC0, 14, 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4, 192, 0, 2, 1]
        datagram += [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 2]
        let message = try MDNSMessage(parsing: datagram)
        #expect(message.records.map(\.name) == ["y.local", "x.local"])
        #expect(message.records.map(\.timeToLive) == [120, 9])
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0], .truncated),
            ([0, 0, 0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0], .unsupported),
            ([0, 0, 0x84, 3, 0, 0, 0, 0, 0, 0, 0, 0], .unsupported),
            ([0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0], .tooMany),
            ([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 12, 0, 1, 0, 1], .invalidName),
            ([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 200, 0, 1, 0, 1], .invalidName),
            ([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 1, 0, 1], .invalidName),
            ([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5, 97], .truncated),
            ([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], .truncated),
        ] as [([UInt8], MDNSError)])
    func `a broken message is refused`(datagram: [UInt8], error: MDNSError) {
        #expect(throws: error) { try MDNSMessage(parsing: datagram) }
    }

    @Test func `no bytes make the parser trap`() {
        let random = SeededRandomSource(seed: 11)
        let whole = response([address, IPAddress("2001:db8::1")!])
        var refused = 0
        for _ in 0..<5000 {
            var datagram = whole
            for _ in 0...random.below(4) { datagram[random.below(datagram.count)] = UInt8(random.below(256)) }
            datagram.removeLast(random.below(datagram.count))
            if (try? MDNSMessage(parsing: datagram)) == nil { refused += 1 }
        }
        #expect(refused > 1000)
    }
}
