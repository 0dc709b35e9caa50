import Glibc
import PeerConnection
import Testing
import Wire

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct RelaySocketTests {
    private static let loopback = IPAddress.v4(0x7F00_0001)

    private static func isReadable(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 10_000) == 1
    }

    private static func batch(_ datagrams: [[UInt8]], from: SocketAddress, to: SocketAddress) -> DatagramBatch {
        var batch = DatagramBatch()
        for bytes in datagrams { batch.append(bytes, from: from, to: to) }
        return batch
    }

    @Test func `Only the server is listened to, and each datagram comes whole`() throws {
        let server = try UDPSocket(bindingTo: SocketAddress(Self.loopback, port: 0))
        let stranger = try UDPSocket(bindingTo: SocketAddress(Self.loopback, port: 0))
        let relay = try RelaySocket(from: Self.loopback, to: server.local)
        let local = try #require(relay.local)
        #expect(relay.open() == .open && relay.isOpen && !relay.awaitsRoom)
        for (socket, bytes) in [(stranger, [9]), (server, [1, 2, 3]), (server, [4])] as [(UDPSocket, [UInt8])] {
            let batch = Self.batch([bytes], from: socket.local, to: local)
            #expect(socket.send(batch.storage, batch.entries[...]) == 0)
        }
        var received: [[UInt8]] = []
        while received.count < 2, Self.isReadable(relay.descriptor) { _ = relay.receive { received.append($0) } }
        #expect(received == [[1, 2, 3], [4]])
    }

    @Test func `A burst arrives at the server in order`() throws {
        let server = try UDPSocket(bindingTo: SocketAddress(Self.loopback, port: 0))
        let relay = try RelaySocket(from: Self.loopback, to: server.local)
        let frames = (0..<20).map { [UInt8](repeating: UInt8($0), count: 1200) }
        let batch = Self.batch(frames, from: try #require(relay.local), to: server.local)
        #expect(relay.send(batch.storage, batch.entries[...]) == 0)
        var received: [[UInt8]] = []
        while received.count < frames.count, Self.isReadable(server.descriptor) {
            _ = server.receive { bytes, _ in received.append(bytes) }
        }
        #expect(received == frames)
    }
}

@Suite(.timeLimit(.minutes(1))) struct TLSConnectionTests {
    private static let loopback = IPAddress.v4(0x7F00_0001)

    @Test func `A file of authorities that is none is an error that names it`() {
        var opener = StreamOpener(authorities: "/nowhere/authorities.pem")
        let error = #expect(throws: SocketError.self) { _ = try opener.trust() }
        #expect(error?.description.contains("/nowhere/authorities.pem") == true)
    }

    @Test func `A server that speaks no TLS fails the opening with the reason`() throws {
        let listener = try TCPListener(bindingTo: SocketAddress(Self.loopback, port: 0))
        var opener = StreamOpener(authorities: nil)
        let connection = try opener.connect(to: listener.local, from: nil, tls: "door.example")
        var server: TCPStream?
        var opening = StreamOpening.underWay
        while opening == .underWay {
            if server == nil, let accepted = listener.accept() {
                server = accepted
                #expect(accepted.enqueue(Array("220 this is no TLS server\r\n".utf8)) && accepted.flush())
            }
            opening = connection.open()
            let events = connection.awaitsRoom ? POLLIN | POLLOUT : POLLIN
            var entry = pollfd(fd: connection.descriptor, events: Int16(events), revents: 0)
            if opening == .underWay { poll(&entry, 1, 50) }
        }
        #expect(opening == .failed)
        #expect(connection.failure?.hasPrefix("TLS failed: ") == true)
        #expect(!connection.isOpen)
    }

    @Test func `Nobody there fails the opening with the reason`() throws {
        let closed = try TCPListener(bindingTo: SocketAddress(Self.loopback, port: 0)).local
        var opener = StreamOpener(authorities: nil)
        for name in [nil, "door.example"] {
            let connection = try opener.connect(to: closed, from: nil, tls: name)
            var opening = StreamOpening.underWay
            while opening == .underWay {
                var entry = pollfd(fd: connection.descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, 10_000)
                opening = connection.open()
            }
            #expect(opening == .failed)
            #expect(connection.failure == "cannot connect to \(closed): Connection refused")
        }
    }
}
