import ICE
import Testing
import Wire

@testable import Gateway

@Suite struct MediaSocketsTests {
    private let one = SessionID(rawValue: 1)
    private let two = SessionID(rawValue: 2)
    private let media: [UInt8] = [0x80, 96, 0, 1] + [UInt8](repeating: 0, count: 20)

    private func makeSockets(ports: ClosedRange<UInt16>? = nil, interfaces: [String] = ["lo"]) -> MediaSockets {
        var configuration = Configuration.Network()
        configuration.interfaces = interfaces
        configuration.udpPorts = ports
        return MediaSockets(configuration: configuration, log: Log(level: .error))
    }

    private func address(_ number: Int) -> SocketAddress {
        SocketAddress(.v4(0xC633_6400 | UInt32(number & 0xFF)), port: UInt16(1024 + number))
    }

    /// A connectivity check for the peer with `fragment`.
    private func check(_ fragment: String) -> [UInt8] {
        STUNMessage(
            .request, transactionID: .init(high: 1, low: 2), attributes: [.username("\(fragment):viewer")]
        ).serialized()
    }

    /// A check's answer, which names nobody.
    private var answer: [UInt8] { STUNMessage(.successResponse, transactionID: .init(high: 1, low: 2)).serialized() }

    // MARK: Routing

    @Test func `A check is for the peer that its user name begins with`() {
        let sockets = makeSockets()
        sockets.register(["abcd"], for: one)
        sockets.register(["efgh"], for: two)
        #expect(sockets.route(check("abcd"), from: address(1)) == one)
        #expect(sockets.route(check("efgh"), from: address(2)) == two)
        #expect(sockets.counters.strangers == 0)
    }

    @Test func `What follows from an address that a check came from is for the same peer`() {
        let sockets = makeSockets()
        sockets.register(["abcd"], for: one)
        _ = sockets.route(check("abcd"), from: address(1))
        #expect(sockets.route(media, from: address(1)) == one)
        #expect(sockets.route(answer, from: address(1)) == one)
        #expect(sockets.route(media, from: address(2)) == nil)
    }

    @Test func `What names no peer and comes from nowhere known is a stranger's`() {
        let sockets = makeSockets()
        sockets.register(["abcd"], for: one)
        for datagram in [media, answer, check("zzzz"), [], [0], [UInt8](repeating: 0xFF, count: 1500)] {
            #expect(sockets.route(datagram, from: address(1)) == nil)
        }
        #expect(sockets.counters.strangers == 6)
        #expect(sockets.counters.received == 6)
    }

    @Test func `A check for nobody here does not use up an address`() {
        let sockets = makeSockets()
        sockets.register(["abcd"], for: one)
        _ = sockets.route(check("abcd"), from: address(1))
        #expect(sockets.route(check("gone"), from: address(1)) == nil)
        #expect(sockets.route(media, from: address(1)) == one)
    }

    @Test func `An address goes to the peer that last exchanged a check with it`() {
        let sockets = makeSockets()
        sockets.register(["abcd"], for: one)
        sockets.register(["efgh"], for: two)
        _ = sockets.route(check("abcd"), from: address(1))
        _ = sockets.route(check("efgh"), from: address(1))
        #expect(sockets.route(media, from: address(1)) == two)
        sockets.forget(two)
        #expect(sockets.route(media, from: address(1)) == nil)
        _ = sockets.route(check("abcd"), from: address(1))
        #expect(sockets.route(media, from: address(1)) == one)
    }

    @Test func `After an ICE restart a peer answers to its new fragment and the old`() {
        let sockets = makeSockets()
        sockets.register(["old0"], for: one)
        sockets.register(["new0", "old0"], for: one)
        #expect(sockets.route(check("old0"), from: address(1)) == one)
        #expect(sockets.route(check("new0"), from: address(2)) == one)
        // and once the new session has its own pair, to the new one alone
        sockets.register(["new0"], for: one)
        #expect(sockets.route(check("old0"), from: address(3)) == nil)
    }

    @Test func `A peer that was forgotten gets nothing more, and the others all theirs`() {
        let sockets = makeSockets()
        sockets.register(["abcd"], for: one)
        sockets.register(["efgh"], for: two)
        _ = sockets.route(check("abcd"), from: address(1))
        _ = sockets.route(check("efgh"), from: address(2))
        sockets.forget(one)
        #expect(sockets.route(check("abcd"), from: address(1)) == nil)
        #expect(sockets.route(media, from: address(1)) == nil)
        #expect(sockets.route(media, from: address(2)) == two)
    }

    @Test func `False sender addresses make it remember only so many, and never lose another peer's`() {
        let sockets = makeSockets()
        sockets.register(["abcd"], for: one)
        sockets.register(["efgh"], for: two)
        _ = sockets.route(check("efgh"), from: address(0))
        let flood = MediaSockets.addressLimit + 50
        for number in 1...flood { _ = sockets.route(check("abcd"), from: address(number)) }
        let known = (1...flood).filter { sockets.route(media, from: address($0)) == one }
        #expect(known == Array(51...flood))
        #expect(sockets.route(media, from: address(0)) == two)
    }

    // MARK: Sockets

    @Test func `There is a socket on each address of the interfaces chosen, and no second one later`() {
        let sockets = makeSockets()
        let change = sockets.refresh()
        let (opened, closed) = (change.opened, change.closed)
        #expect(!opened.isEmpty)
        #expect(closed.isEmpty)
        #expect(opened.allSatisfy { $0.local.ip.isLoopback })
        #expect(Set(sockets.sockets.keys) == Set(opened.map(\.local)))
        let again = sockets.refresh()
        #expect(again.opened.isEmpty && again.closed.isEmpty)
    }

    @Test func `An interface that is not there gives no socket`() {
        let sockets = makeSockets(interfaces: ["nothing0"])
        #expect(sockets.refresh().opened.isEmpty)
        #expect(sockets.localAddresses.isEmpty)
    }

    @Test func `Addresses are preferred one after the other, IPv6 first`() {
        let sockets = makeSockets()
        _ = sockets.refresh()
        let addresses = sockets.localAddresses
        #expect(Set(addresses.map(\.preference)).count == addresses.count)
        #expect(addresses.map(\.preference) == addresses.map(\.preference).sorted(by: >))
        #expect(addresses.first?.preference == 65535)
    }

    @Test func `A port of the range that is taken is passed over`() throws {
        let local = IPAddress.v4(0x7F00_0001)
        let taken = try UDPSocket(bindingTo: SocketAddress(local, port: 0))
        let first = min(taken.local.port, 65_500)
        let sockets = makeSockets(ports: first...(first + 30))
        let opened = sockets.refresh().opened.first { $0.local.ip == local }
        let port = try #require(opened?.local.port)
        #expect((first...(first + 30)).contains(port))
        #expect(port != taken.local.port)
    }

    @Test func `Where no port of the range is free there is no socket, and no harm`() throws {
        let local = IPAddress.v4(0x7F00_0001)
        let taken = try UDPSocket(bindingTo: SocketAddress(local, port: 0))
        let sockets = makeSockets(ports: taken.local.port...taken.local.port)
        #expect(!sockets.refresh().opened.contains { $0.local.ip == local })
    }

    @Test func `A batch leaves from the sockets it names, and the answers come back to its peer`() throws {
        let sockets = makeSockets()
        _ = sockets.refresh()
        let local = try #require(sockets.sockets.keys.first { !$0.ip.isIPv6 })
        let viewer = try UDPSocket(bindingTo: SocketAddress(local.ip, port: 0))
        var batch = DatagramBatch()
        for number in 0..<5 { batch.append([UInt8(number)], from: local, to: viewer.local) }
        sockets.send(&batch, for: one)
        #expect(batch.isEmpty)
        #expect(viewer.datagrams(5).map(\.bytes) == (0..<5).map { [UInt8($0)] })
        #expect(sockets.route(media, from: viewer.local) == one)
        #expect(sockets.counters.unsent == 0)
    }

    @Test func `What was meant for a socket that has gone is counted, and the rest leaves`() throws {
        let sockets = makeSockets()
        _ = sockets.refresh()
        let local = try #require(sockets.sockets.keys.first { !$0.ip.isIPv6 })
        let viewer = try UDPSocket(bindingTo: SocketAddress(local.ip, port: 0))
        var batch = DatagramBatch()
        batch.append([1], from: local, to: viewer.local)
        batch.append([2], from: address(1), to: viewer.local)
        batch.append([3], from: address(1), to: viewer.local)
        batch.append([4], from: local, to: viewer.local)
        sockets.send(&batch, for: one)
        #expect(viewer.datagrams(2).map(\.bytes) == [[1], [4]])
        #expect(sockets.counters.unsent == 2)
    }
}
