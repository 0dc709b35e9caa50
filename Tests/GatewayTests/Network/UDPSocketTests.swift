import Glibc
import Testing
import Wire

@testable import Gateway

/// The loopback addresses that this machine has.
private let loopbacks: [IPAddress] = NetworkInterface.current().map(\.address).filter(\.isLoopback)

extension UDPSocket {
    /// Waits until something can be read; false where nothing comes.
    func isReadable(within milliseconds: Int32 = 10_000) -> Bool {
        var descriptor = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, milliseconds) == 1
    }

    /// The next `count` datagrams, or what comes of them.
    func datagrams(_ count: Int) -> [(bytes: [UInt8], from: SocketAddress)] {
        var received: [(bytes: [UInt8], from: SocketAddress)] = []
        while received.count < count, isReadable() {
            while receive({ received.append(($0, $1)) }) {}
        }
        return received
    }

    /// Sends each of `datagrams` to its address in one batch; returns how many were lost at once.
    func send(_ datagrams: [(bytes: [UInt8], to: SocketAddress)]) -> Int {
        var batch = DatagramBatch()
        for datagram in datagrams { batch.append(datagram.bytes, from: local, to: datagram.to) }
        return send(batch.storage, batch.entries[...])
    }
}

/// `length` bytes that tell which datagram they are.
private func payload(_ number: Int, _ length: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(uint32: UInt32(number))
    return Array((bytes + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 2048)).prefix(length))
}

@Suite(.timeLimit(.minutes(1))) struct UDPSocketTests {
    @Test(arguments: loopbacks)
    func `The kernel chooses a port, which the address then has`(ip: IPAddress) throws {
        let socket = try UDPSocket(bindingTo: SocketAddress(ip, port: 0))
        #expect(socket.local.port != 0)
        #expect(socket.local.ip == ip)
    }

    @Test func `A port in use and an address of nobody here are errors that name them`() throws {
        let socket = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        let taken = #expect(throws: SocketError.self) { try UDPSocket(bindingTo: socket.local) }
        #expect(taken?.description.contains("\(socket.local)") == true)
        let foreign = SocketAddress(.v4(0xC000_0201), port: 5000)  // RFC 5737: 192.0.2.1
        let error = #expect(throws: SocketError.self) { try UDPSocket(bindingTo: foreign) }
        #expect(error?.description.contains("192.0.2.1:5000") == true)
    }

    /// Lengths of the datagrams of one batch to one address: runs of equal ones, which leave by segmentation, and all
    /// that ends a run.
    private static let bursts: [[Int]] = [
        [1], [1200], [2048],
        [Int](repeating: 1200, count: 5),
        [1200, 1200, 1200, 300],
        [300, 1200, 1200],
        [1200, 1200, 1, 1200, 1200],
        [100, 200, 300, 200, 100],
        [Int](repeating: 1172, count: 61),
        [Int](repeating: 1172, count: 150) + [7],
        [Int](repeating: 40, count: 200),
        (0..<100).map { 100 + $0 * 7 % 1000 },
    ]

    @Test(arguments: loopbacks, bursts)
    func `A burst arrives whole and in order, whatever its sizes`(ip: IPAddress, lengths: [Int]) throws {
        let sender = try UDPSocket(bindingTo: SocketAddress(ip, port: 0))
        let receiver = try UDPSocket(bindingTo: SocketAddress(ip, port: 0))
        let sent = lengths.enumerated().map { payload($0.offset, $0.element) }
        #expect(sender.send(sent.map { ($0, receiver.local) }) == 0)
        let received = receiver.datagrams(sent.count)
        #expect(received.map(\.bytes) == sent)
        #expect(received.allSatisfy { $0.from == sender.local })
    }

    @Test(arguments: loopbacks)
    func `Datagrams to several addresses each arrive at theirs`(ip: IPAddress) throws {
        let sender = try UDPSocket(bindingTo: SocketAddress(ip, port: 0))
        let receivers = try (0..<3).map { _ in try UDPSocket(bindingTo: SocketAddress(ip, port: 0)) }
        // alternating, in runs, and one of another size within a run
        let plan = [0, 1, 2, 0, 1, 2, 0, 0, 0, 1, 1, 2, 2, 2, 2, 1, 0]
        let sent = plan.enumerated().map { number, receiver in
            (payload(number, number == 13 ? 90 : 1000), receivers[receiver].local)
        }
        #expect(sender.send(sent) == 0)
        for receiver in receivers {
            let expected = sent.filter { $0.1 == receiver.local }.map(\.0)
            #expect(receiver.datagrams(expected.count).map(\.bytes) == expected)
        }
    }

    @Test func `Nothing is sent of nothing`() throws {
        let socket = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        #expect(socket.send([]) == 0)
        #expect(!socket.receive { _, _ in Issue.record("nobody sent anything") })
    }

    @Test func `A datagram larger than any of ours, or empty, is discarded, and those around it are not`() throws {
        let sender = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        let receiver = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        let large = [UInt8](repeating: 9, count: 2049)
        for bytes in [payload(1, 100), large, payload(2, 2048)] { #expect(sender.send([(bytes, receiver.local)]) == 0) }
        #expect(receiver.datagrams(2).map(\.bytes) == [payload(1, 100), payload(2, 2048)])
        #expect(!receiver.receive { _, _ in Issue.record("the large datagram came after all") })
    }

    @Test func `A destination that cannot be reached stops none of the rest`() throws {
        let sender = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        let receiver = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        // from the loopback no way leads to another machine, and none to port 0
        let unreachable = [SocketAddress(.v4(0xC000_0201), port: 9), SocketAddress(.v4(0x7F00_0001), port: 0)]
        var plan: [([UInt8], SocketAddress)] = []
        for number in 0..<12 {
            plan.append((payload(number, 1000), receiver.local))
            // runs that would leave by segmentation, too
            for address in unreachable { plan += (0..<3).map { _ in (payload(99, 1000), address) } }
        }
        #expect(sender.send(plan) == 12 * 6)
        #expect(receiver.datagrams(12).map(\.bytes) == (0..<12).map { payload($0, 1000) })
    }

    @Test func `A port where nobody listens is no error of the socket`() throws {
        let sender = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        let receiver = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        let closed = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0)).local
        // the kernel answers by ICMP, which the next calls must not stumble over
        for number in 0..<5 {
            #expect(sender.send([(payload(0, 10), closed), (payload(number, 20), receiver.local)]) == 0)
        }
        #expect(receiver.datagrams(5).map(\.bytes) == (0..<5).map { payload($0, 20) })
        #expect(receiver.send([(payload(7, 30), sender.local)]) == 0)
        #expect(sender.datagrams(1).map(\.bytes) == [payload(7, 30)])
    }

    @Test func `A receiver that does not read loses the newest, and holds nobody up`() throws {
        let sender = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        let receiver = try UDPSocket(bindingTo: SocketAddress(.v4(0x7F00_0001), port: 0))
        let count = 4000
        let lost = sender.send((0..<count).map { (payload($0, 1200), receiver.local) })
        #expect((0...count).contains(lost))
        var received: [[UInt8]] = []
        while receiver.isReadable(within: 0) { while receiver.receive({ bytes, _ in received.append(bytes) }) {} }
        #expect(received.count < count)
        #expect(received == (0..<received.count).map { payload($0, 1200) })
    }
}
