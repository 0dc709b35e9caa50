import Glibc
import ICE
import Testing
import Wire

@testable import Gateway

/// Waits until `descriptor` is ready for `events`; false where it never is.
private func isReady(_ descriptor: Int32, _ events: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    return poll(&entry, 1, 10_000) == 1
}

/// Both ends of a connection over loopback.
private struct Link {
    let listener: TCPListener
    let client: TCPStream
    let server: TCPStream

    init() throws {
        let loopback = IPAddress.v4(0x7F00_0001)
        listener = try TCPListener(bindingTo: SocketAddress(loopback, port: 0))
        client = try TCPStream(connectingTo: listener.local, from: loopback)
        _ = isReady(client.descriptor, POLLOUT)
        _ = client.finishConnecting()
        _ = isReady(listener.descriptor, POLLIN)
        server = try #require(listener.accept())
    }

    /// What the server reads, until `count` bytes are there.
    func read(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count, isReady(server.descriptor, POLLIN), case .bytes(let more) = server.read() {
            bytes += more
        }
        return bytes
    }
}

@Suite(.timeLimit(.minutes(1))) struct TCPStreamTests {
    @Test func `Each end knows both addresses`() throws {
        let link = try Link()
        #expect(link.client.remote == link.listener.local)
        #expect(link.server.local == link.listener.local)
        #expect(link.server.remote == link.client.local)
        #expect(link.client.local?.port != 0)
        #expect(link.listener.accept() == nil)
    }

    @Test func `What is queued arrives in order`() throws {
        let link = try Link()
        #expect(link.server.read() == .nothing)
        let frames = (0..<100).map { [UInt8](repeating: UInt8($0), count: 1200) }
        for frame in frames { #expect(link.client.enqueue(frame)) }
        #expect(link.client.flush())
        #expect(link.read(120_000) == frames.flatMap { $0 })
        #expect(link.client.queued == 0)
    }

    @Test func `Who does not read makes whole frames drop, and costs no more memory than the queue`() throws {
        let link = try Link()
        let frame = [UInt8](repeating: 7, count: 1000)
        var taken = 0
        for _ in 0..<20_000 {
            if link.client.enqueue(frame) { taken += 1 }
            #expect(link.client.flush())
        }
        #expect(link.client.dropped == 20_000 - taken)
        #expect(link.client.dropped > 0)
        #expect(link.client.queued <= TCPStream.queueLimit)
        // what was taken arrives whole once it is read
        var read = 0
        while read < taken * 1000 {
            _ = link.client.flush()
            let bytes = link.read(1)
            guard !bytes.isEmpty else { break }
            read += bytes.count
        }
        #expect(read == taken * 1000)
        #expect(link.client.enqueue(frame))
    }

    @Test func `The other end's going is seen by reading, and by writing`() throws {
        var link: Link? = try Link()
        let client = try #require(link?.client)
        link = nil
        _ = isReady(client.descriptor, POLLIN)
        #expect(client.read() == .end)
        var isBroken = false
        for _ in 0..<100 where !isBroken {
            _ = client.enqueue([1])
            isBroken = !client.flush()
        }
        #expect(isBroken)
    }

    @Test func `Where nobody listens connecting ends without an address`() throws {
        let loopback = IPAddress.v4(0x7F00_0001)
        let closed = try TCPListener(bindingTo: SocketAddress(loopback, port: 0)).local
        let client = try TCPStream(connectingTo: closed, from: nil)
        #expect(!client.enqueue([1]))
        _ = isReady(client.descriptor, POLLOUT)
        #expect(client.finishConnecting() == nil)
        #expect(!client.isOpen)
    }

    @Test func `A port in use is an error that names it`() throws {
        let listener = try TCPListener(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        let error = #expect(throws: SocketError.self) { try TCPListener(bindingTo: listener.local) }
        #expect(error?.description.contains("\(listener.local)") == true)
    }
}

@Suite(.timeLimit(.minutes(1))) struct StreamSocketsTests {
    private let loopback = IPAddress.v4(0x7F00_0001)
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func check(_ fragment: String) -> [UInt8] {
        FrameReader.frame(
            STUNMessage(
                .request, transactionID: .init(high: 1, low: 2), attributes: [.username("\(fragment):viewer")]
            ).serialized())
    }

    /// A connection that nobody has spoken on.
    private func connection(_ streams: StreamSockets, _ link: inout [Any]) throws -> StreamSockets.Connection {
        let made = try Link()
        link += [made.client, made.listener]
        return try #require(streams.accepted(made.server, at: start))
    }

    @Test func `A connection is for the peer that its first check names, however the check is cut`() throws {
        var kept: [Any] = []
        let streams = StreamSockets()
        let connection = try connection(streams, &kept)
        let bytes = check("abcd") + [9, 9]
        #expect(streams.identify(connection, by: Array(bytes[..<1])) == .incomplete)
        #expect(streams.identify(connection, by: Array(bytes[1..<30])) == .incomplete)
        #expect(streams.identify(connection, by: Array(bytes[30...])) == .check("abcd", bytes))
        let owner = StreamSockets.Owner(session: SessionID(rawValue: 1), stream: StreamID(rawValue: 5))
        streams.assign(connection, to: owner)
        #expect(streams.connection(of: owner) === connection)
        #expect(streams.deadline == nil)
        streams.remove(connection)
        #expect(streams.connection(of: owner) == nil)
    }

    @Test(arguments: [
        Array("GET / HTTP/1.1\r\n".utf8), [0, 5, 1, 2, 3, 4, 5], [0, 20] + [UInt8](repeating: 0, count: 20),
        [0xFF, 0xFF],
    ])
    func `What begins with anything else than a check is a stranger's`(bytes: [UInt8]) throws {
        var kept: [Any] = []
        let streams = StreamSockets()
        #expect(streams.identify(try connection(streams, &kept), by: bytes) == .stranger)
    }

    @Test func `Connections that show nothing are few, and not for long`() throws {
        var kept: [Any] = []
        let streams = StreamSockets()
        for _ in 0..<StreamSockets.strangerLimitOfAddress { _ = try connection(streams, &kept) }
        let one = try Link()
        #expect(streams.accepted(one.server, at: start) == nil)
        #expect(streams.deadline == start + StreamSockets.strangerPatience)
        #expect(streams.overdue(at: start + .seconds(4)).isEmpty)
        for connection in streams.overdue(at: start + .seconds(5)) { streams.remove(connection) }
        #expect(streams.connections.isEmpty)
        #expect(streams.accepted(one.server, at: start) != nil)
    }
}

@Suite struct InterfaceFilterTests {
    private func admits(_ patterns: [String], _ name: String, family: Configuration.AddressFamily = .any) -> Bool {
        var configuration = Configuration.Network()
        configuration.interfaces = patterns
        configuration.addressFamily = family
        return InterfaceFilter(configuration).admits(
            NetworkInterface(name: name, address: .v4(0xC000_0201), isPointToPoint: false))
    }

    @Test func `Names and patterns choose interfaces, and those after an exclamation mark leave some out`() {
        #expect(admits([], "eth0"))
        #expect(admits(["eth0"], "eth0") && !admits(["eth0"], "eth01"))
        #expect(admits(["wl*"], "wlan0") && admits(["wl*"], "wl") && !admits(["wl*"], "eth0"))
        #expect(admits(["*0"], "eth0") && !admits(["*0"], "eth1"))
        #expect(admits(["e?h0"], "eth0") && !admits(["e?h0"], "eh0"))
        #expect(admits(["!docker*"], "eth0") && !admits(["!docker*"], "docker0"))
        #expect(!admits(["eth*", "!eth1"], "eth1") && admits(["eth*", "!eth1"], "eth0"))
    }

    @Test func `Only addresses of the family that is wanted are used`() {
        #expect(admits([], "eth0", family: .ipv4))
        #expect(!admits([], "eth0", family: .ipv6))
    }

    @Test func `A hidden address's name is a random UUID`() {
        let random = SeededRandomSource(seed: 3)
        let (one, other) = (NameService.uuid(random), NameService.uuid(random))
        #expect(one != other)
        #expect(one.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
    }
}
