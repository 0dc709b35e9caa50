import CLinux
import Glibc
import ICE
import Wire

/// Why a socket could not be opened.
package struct SocketError: Error, CustomStringConvertible {
    package let description: String
}

/// A non-blocking UDP socket bound to one local address, shared by every peer.
package final class UDPSocket {
    /// The address it is bound to: the base of a host candidate.
    package let local: SocketAddress
    package let descriptor: Int32
    private var canSegment: Int32 = 1
    private var slots: [UInt8] = []
    private var headers: [linux_datagram] = []
    private var outgoing: [linux_datagram] = []
    /// A burst goes to one address: its C form is made once.
    private var lastRemote = (
        address: SocketAddress(.v4(0), port: 0), linux: linux_address(SocketAddress(.v4(0), port: 0))
    )

    private static let slotBytes = 2048
    private static let slotCount = 32

    /// Opens a socket on `address`; port 0 lets the kernel choose.
    package init(bindingTo address: SocketAddress) throws(SocketError) {
        var bound = linux_address(address)
        // a second of a 4 Mbit/s stream: a viewer's burst of feedback, or ours of a key frame, finds room
        descriptor = linux_udp_socket(&bound, 1 << 19, 1 << 19)
        guard descriptor >= 0 else {
            throw SocketError(description: "cannot bind UDP \(address): \(String(cString: strerror(errno)))")
        }
        local = SocketAddress(address.ip, port: bound.port)
    }

    /// Joins the group of multicast DNS on the interface of that index (RFC 6762 §3).
    init(joiningMulticastDNSOn interface: UInt32, isIPv6: Bool) throws(SocketError) {
        descriptor = linux_mdns_socket(isIPv6 ? 6 : 4, interface)
        guard descriptor >= 0 else {
            throw SocketError(description: "cannot join multicast DNS: \(String(cString: strerror(errno)))")
        }
        local = SocketAddress(isIPv6 ? .v6(high: 0, low: 0) : .v4(0), port: MulticastDNS.port)
    }

    deinit {
        close(descriptor)
    }

    /// Reads what has arrived, at most one burst, and calls `each` with the bytes and the sender. False once nothing is
    /// left.
    package func receive(_ each: ([UInt8], SocketAddress) -> Void) -> Bool {
        if slots.isEmpty {
            slots = [UInt8](repeating: 0, count: Self.slotBytes * Self.slotCount)
            headers = [linux_datagram](repeating: linux_datagram(), count: Self.slotCount)
        }
        // An ICMP error of an earlier send is reported once and says nothing about this socket: read on at the next
        // event.
        let count = Int(
            linux_udp_receive(descriptor, &slots, Int32(Self.slotBytes), &headers, Int32(Self.slotCount)))
        guard count > 0 else { return false }
        for header in headers.prefix(count) where header.length > 0 {
            let start = Int(header.offset)
            each(Array(slots[start..<(start + Int(header.length))]), SocketAddress(header.remote))
        }
        return count == Self.slotCount
    }

    /// Sends `datagrams` of `storage`, in order. What finds the socket's buffer full, or a destination the kernel knows
    /// no way to, is lost as on any network; returns how many were.
    package func send(_ storage: [UInt8], _ datagrams: ArraySlice<DatagramBatch.Entry>) -> Int {
        outgoing.removeAll(keepingCapacity: true)
        for entry in datagrams {
            if entry.remote != lastRemote.address { lastRemote = (entry.remote, linux_address(entry.remote)) }
            outgoing.append(
                linux_datagram(
                    offset: UInt32(entry.range.lowerBound), length: UInt32(entry.range.count), remote: lastRemote.linux)
            )
        }
        return storage.withUnsafeBufferPointer { storage in
            outgoing.withUnsafeBufferPointer { send(storage.baseAddress, $0) }
        }
    }

    private func send(_ storage: UnsafePointer<UInt8>?, _ messages: UnsafeBufferPointer<linux_datagram>) -> Int {
        guard let first = messages.baseAddress else { return 0 }
        var lost = 0
        var next = 0
        while next < messages.count {
            var failed: Int32 = 0
            let sent = linux_udp_send(
                descriptor, storage, first + next, Int32(messages.count - next), &canSegment, &failed)
            guard sent < 0 else {
                lost += messages.count - next - Int(sent)
                break
            }
            lost += 1
            next += Int(failed) + 1
        }
        return lost
    }
}

extension linux_address {
    /// The C form of `address`.
    init(_ address: SocketAddress) {
        self.init()
        port = address.port
        switch address.ip {
        case .v4(let value):
            family = 4
            withUnsafeMutableBytes(of: &ip) { $0.storeBytes(of: value.bigEndian, as: UInt32.self) }
        case .v6(let high, let low, let scope):
            family = 6
            self.scope = scope
            withUnsafeMutableBytes(of: &ip) {
                $0.storeBytes(of: high.bigEndian, as: UInt64.self)
                $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
        }
    }
}

extension SocketAddress {
    /// The address that `address` stands for.
    init(_ address: linux_address) {
        let ip: IPAddress = withUnsafeBytes(of: address.ip) { bytes in
            guard address.family != 4 else { return .v4(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))) }
            return .v6(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)), scope: address.scope)
        }
        self.init(ip, port: address.port)
    }
}
