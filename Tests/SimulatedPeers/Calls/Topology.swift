package import Wire

/// Where the hosts of a simulated call are.
package struct Topology: Sendable {
    package enum Place: Sendable {
        /// With a public address.
        case `public`
        /// In a network of its own behind a translator.
        case behind(NATBehaviour)
        /// In a network of its own behind a translator, behind the provider's, which those so placed share.
        case behindProvider(NATBehaviour)
        /// In one network with the others so placed.
        case shared
    }

    package var places: [Place]
    /// The translator that those in `shared` are behind.
    package var sharedNAT = NATBehaviour.portRestrictedCone
    package var providerNAT = NATBehaviour.restrictedCone
    /// Which hosts have a global IPv6 address as well.
    package var hasIPv6: [Bool]
    /// Whether hosts in different private networks have the same address there.
    package var repeatsAddresses = false

    package init(_ places: [Place]) {
        self.places = places
        hasIPv6 = places.map { _ in false }
    }

    /// Where in an internet the hosts of a topology are.
    package struct Site {
        package let network: SimulatedInternet.NetworkID
        package let addresses: [IPAddress]
    }

    /// Makes the networks in `internet`, and says where each host belongs. Outside addresses end in numbers from
    /// `first`, so that more can be made in the same internet.
    package func build(in internet: SimulatedInternet, first: UInt32 = 10) -> [Site] {
        var shared: SimulatedInternet.NetworkID?
        var provider: SimulatedInternet.NetworkID?
        return places.indices.map { index in
            let number = first + UInt32(index)
            let outside = IPAddress.v4(0xCB00_7100 + number)  // 203.0.113.0/24
            let inside = IPAddress.v4(0xC0A8_0100 + (repeatsAddresses ? 2 : number))  // 192.168.1.0/24
            var site: (network: SimulatedInternet.NetworkID, address: IPAddress)
            switch places[index] {
            case .public:
                site = (.public, outside)
            case .behind(let behaviour):
                site = (internet.addNetwork(behind: behaviour, outside: outside, in: .public), inside)
            case .behindProvider(let behaviour):
                let above =
                    provider
                    ?? internet.addNetwork(behind: providerNAT, outside: .v4(0xCB00_71C8), in: .public)
                provider = above
                // 100.64.0.0/10, RFC 6598
                let between = IPAddress.v4(0x6440_0000 + number)
                site = (internet.addNetwork(behind: behaviour, outside: between, in: above), inside)
            case .shared:
                let network =
                    shared ?? internet.addNetwork(behind: sharedNAT, outside: .v4(0xCB00_71C9), in: .public)
                shared = network
                site = (network, .v4(0xC0A8_0200 + number))
            }
            let global = IPAddress.v6(high: 0x2001_0DB8_0000_0000, low: UInt64(number))
            return Site(network: site.network, addresses: (hasIPv6[index] ? [global] : []) + [site.address])
        }
    }

    /// Whether the hosts `left` and `right` can reach each other at all: they tell each other their addresses, their own
    /// and those that a STUN server sees, and send to all of them, and to every address from which they hear, until one
    /// request is answered by the address that it went to (RFC 8445 §7.2.5.2.1). This asks the networks alone, with no
    /// ICE and nothing lost.
    package func hasPath(_ left: Int, _ right: Int) -> Bool {
        let internet = SimulatedInternet(random: SeededRandomSource(seed: 1))
        let server = SimulatedCalls.stunServer
        _ = internet.addHost(in: .public, addresses: [server.ip], server: EchoOfAddress())
        let sites = build(in: internet)
        var probes = [left, right].map { index in
            Prober(
                host: internet.addHost(in: sites[index].network, addresses: sites[index].addresses),
                mark: UInt8(index),
                sockets: sites[index].addresses.map { SocketAddress($0, port: 5000) })
        }
        let now = Instant.zero + .seconds(1)
        func exchange() -> Bool {
            var found = false
            var arrived = internet.advance(to: now)
            while !arrived.isEmpty {
                for (host, datagram) in arrived {
                    guard let index = probes.firstIndex(where: { $0.host == host }) else { continue }
                    let (reply, isFound) = probes[index].receive(datagram)
                    found = found || isFound
                    if let reply { internet.send(reply, from: host, at: now) }
                }
                arrived = internet.advance(to: now)
            }
            return found
        }
        for probe in probes {
            for socket in probe.sockets where !socket.ip.isIPv6 {
                internet.send(SimulatedDatagram([Prober.question], from: socket, to: server), from: probe.host, at: now)
            }
        }
        _ = exchange()
        for (own, other) in [(0, 1), (1, 0)] {
            probes[own].targets += probes[other].sockets + probes[other].mapped
        }
        for _ in 0..<6 {
            for index in probes.indices {
                for datagram in probes[index].requests() {
                    internet.send(datagram, from: probes[index].host, at: now)
                }
            }
            if exchange() { return true }
        }
        return false
    }
}

/// One side of the search for a path.
private struct Prober {
    let host: SimulatedInternet.HostID
    /// Which side this is: in a network with the other's address it may hear itself.
    let mark: UInt8
    let sockets: [SocketAddress]
    var mapped: [SocketAddress] = []
    var targets: [SocketAddress] = []

    static let question: UInt8 = 0
    static let request: UInt8 = 1
    static let response: UInt8 = 2
    static let address: UInt8 = 3
    /// Apart from the addresses of the other side itself, those that it has been heard from.
    private static let targetLimit = 16

    /// A request from every socket to every target, which it names by its number.
    func requests() -> [SimulatedDatagram] {
        sockets.flatMap { socket in
            targets.enumerated().filter { $0.element.ip.isIPv6 == socket.ip.isIPv6 }.map { number, target in
                SimulatedDatagram([Self.request, UInt8(number), mark], from: socket, to: target)
            }
        }
    }

    mutating func receive(_ datagram: SimulatedDatagram) -> (reply: SimulatedDatagram?, isFound: Bool) {
        let bytes = datagram.bytes
        switch bytes[0] {
        case Self.address:
            var reader = ByteReader(bytes.dropFirst())
            guard let ip = try? reader.uint32(), let port = try? reader.uint16() else { return (nil, false) }
            mapped.append(SocketAddress(.v4(ip), port: port))
        case Self.request where bytes[2] != mark:
            if !targets.contains(datagram.from), targets.count < Self.targetLimit { targets.append(datagram.from) }
            return (SimulatedDatagram([Self.response, bytes[1]], from: datagram.to, to: datagram.from), false)
        case Self.response where Int(bytes[1]) < targets.count:
            return (nil, targets[Int(bytes[1])] == datagram.from)
        default:
            break
        }
        return (nil, false)
    }
}

/// A server that tells the address it was asked from, in the form that `Prober` reads.
private final class EchoOfAddress: SimulatedServer {
    private var outgoing: [SimulatedDatagram] = []
    var deadline: Instant? { nil }

    func timePassed(at now: Instant) {}

    func receive(_ bytes: [UInt8], local: SocketAddress, from remote: SocketAddress, at now: Instant) {
        guard case .v4(let ip) = remote.ip else { return }
        var answer = [Prober.address]
        answer.append(uint32: ip)
        answer.append(uint16: remote.port)
        outgoing.append(SimulatedDatagram(answer, from: local, to: remote))
    }

    func takeOutgoing() -> [SimulatedDatagram] {
        defer { outgoing = [] }
        return outgoing
    }
}
