package import Wire

/// Hosts in networks behind address translators behind networks, up to the public one, and the datagrams between them.
///
/// ```
///                         public ─── STUN server
///            ┌───────────────┼──────────────┐
///          [NAT]          [NAT: CGN]       host
///            │           ┌───┴────┐
///          hosts       [NAT]    [NAT]
///                        │        │
///                      hosts    hosts
/// ```
///
/// IPv4 is translated at every step up; global IPv6 is routed as it is.
package final class SimulatedInternet {
    package struct NetworkID: Hashable, Sendable {
        fileprivate let index: Int
        /// Where no translator is above.
        package static let `public` = NetworkID(index: 0)
    }

    package struct HostID: Hashable, Sendable {
        fileprivate let index: Int
    }

    private struct Network {
        var parent: NetworkID?
        var nat: SimulatedNAT?
        var hosts: [IPAddress: HostID] = [:]
        /// The networks behind translators whose outside address is in this one.
        var behind: [IPAddress: NetworkID] = [:]
    }

    private struct Host {
        var network: NetworkID
        var up: ImpairedPath
        var down: ImpairedPath
        var isReachable = true
        var server: (any SimulatedServer)?
    }

    private enum Step {
        case inNetwork(NetworkID)
        case atHost(HostID)
    }

    private struct UnderWay {
        let arrives: Instant
        let order: Int
        let step: Step
        let datagram: SimulatedDatagram
    }

    private let random: any RandomSource
    private var networks = [Network()]
    private var hosts: [Host] = []
    /// The last one arrives first.
    private var underWay: [UnderWay] = []
    private var order = 0
    /// How many datagrams hosts that are no servers have sent.
    package private(set) var sent = 0

    package init(random: any RandomSource) {
        self.random = random
    }

    // MARK: Topology

    /// A network behind a translator, whose outside address `outside` is in `parent`.
    package func addNetwork(behind behaviour: NATBehaviour, outside: IPAddress, in parent: NetworkID) -> NetworkID {
        let id = NetworkID(index: networks.count)
        let nat = SimulatedNAT(outside: outside, behaviour: behaviour, random: random)
        networks.append(Network(parent: parent, nat: nat))
        networks[parent.index].behind[outside] = id
        return id
    }

    /// A host in `network`; what it sends and gets passes a link with `conditions`.
    package func addHost(
        in network: NetworkID, addresses: [IPAddress], conditions: PathConditions = .none,
        server: (any SimulatedServer)? = nil
    ) -> HostID {
        let id = HostID(index: hosts.count)
        hosts.append(
            Host(
                network: network, up: ImpairedPath(conditions, random: random),
                down: ImpairedPath(conditions, random: random), server: server))
        for address in addresses { attach(address, to: id) }
        return id
    }

    /// Gives a host one more address of the network that it is in.
    package func attach(_ address: IPAddress, to host: HostID) {
        var network: NetworkID? = hosts[host.index].network
        while let id = network {
            networks[id.index].hosts[address] = host
            network = address.isIPv6 ? networks[id.index].parent : nil
        }
    }

    package func detach(_ address: IPAddress, from host: HostID) {
        for index in networks.indices where networks[index].hosts[address] == host {
            networks[index].hosts[address] = nil
        }
    }

    /// Takes a host out of its network, addresses and all, and puts it into another.
    package func move(_ host: HostID, to network: NetworkID, addresses: [IPAddress]) {
        for index in networks.indices {
            networks[index].hosts = networks[index].hosts.filter { $0.value != host }
        }
        hosts[host.index].network = network
        for address in addresses { attach(address, to: host) }
    }

    /// What `host` sends and gets passes a link with these conditions from now on.
    package func setConditions(up: PathConditions, down: PathConditions, of host: HostID) {
        hosts[host.index].up.conditions = up
        hosts[host.index].down.conditions = down
    }

    /// Whether anything goes to or comes from a host.
    package func setReachable(_ isReachable: Bool, _ host: HostID) {
        hosts[host.index].isReachable = isReachable
    }

    /// The translator of the network that `host` is in forgets its mappings.
    package func rebootNAT(above host: HostID) {
        networks[hosts[host.index].network.index].nat?.reboot()
    }

    // MARK: Datagrams

    /// Sends from the host's address `datagram.from`.
    package func send(_ datagram: SimulatedDatagram, from host: HostID, at now: Instant) {
        if hosts[host.index].server == nil { sent += 1 }
        guard hosts[host.index].isReachable else { return }
        let arrivals = hosts[host.index].up.arrivals(
            of: datagram.bytes.count, isIPv6: datagram.to.ip.isIPv6, at: now)
        for arrives in arrivals { schedule(.inNetwork(hosts[host.index].network), datagram, at: arrives) }
    }

    /// When something happens next; nil for never.
    package var deadline: Instant? {
        var next = underWay.last?.arrives
        for host in hosts { if let server = host.server { next = earliest(next, server.deadline) } }
        return next
    }

    /// Whether a datagram is on its way.
    package var isBusy: Bool { !underWay.isEmpty }

    /// Lets time pass, and returns what has arrived at hosts that are no servers, in order.
    package func advance(to now: Instant) -> [(host: HostID, datagram: SimulatedDatagram)] {
        var arrived: [(HostID, SimulatedDatagram)] = []
        for host in hosts.indices {
            guard let server = hosts[host].server, let deadline = server.deadline, deadline <= now else { continue }
            server.timePassed(at: now)
            sendAll(of: server, from: HostID(index: host), at: now)
        }
        while let next = underWay.last, next.arrives <= now {
            underWay.removeLast()
            switch next.step {
            case .inNetwork(let network):
                route(next.datagram, in: network, at: next.arrives)
            case .atHost(let host):
                guard hosts[host.index].isReachable else { continue }
                guard let server = hosts[host.index].server else {
                    arrived.append((host, next.datagram))
                    continue
                }
                server.receive(
                    next.datagram.bytes, local: next.datagram.to, from: next.datagram.from, at: next.arrives)
                sendAll(of: server, from: host, at: next.arrives)
            }
        }
        return arrived
    }

    private func sendAll(of server: any SimulatedServer, from host: HostID, at now: Instant) {
        for datagram in server.takeOutgoing() { send(datagram, from: host, at: now) }
    }

    private func route(_ datagram: SimulatedDatagram, in id: NetworkID, at now: Instant) {
        if let host = networks[id.index].hosts[datagram.to.ip] {
            let arrivals = hosts[host.index].down.arrivals(
                of: datagram.bytes.count, isIPv6: datagram.to.ip.isIPv6, at: now)
            for arrives in arrivals { schedule(.atHost(host), datagram, at: arrives) }
        } else if let inner = networks[id.index].behind[datagram.to.ip] {
            guard let nat = networks[inner.index].nat,
                let inside = nat.inward(to: datagram.to.port, from: datagram.from, at: now)
            else { return }
            schedule(.inNetwork(inner), SimulatedDatagram(datagram.bytes, from: datagram.from, to: inside), at: now)
        } else if let parent = networks[id.index].parent {
            guard !datagram.to.ip.isIPv6 else { return schedule(.inNetwork(parent), datagram, at: now) }
            let nat = networks[id.index].nat
            if let nat, nat.outside == datagram.to.ip, !nat.behaviour.hairpins { return }
            guard
                let outside = networks[id.index].nat?.outward(from: datagram.from, to: datagram.to, at: now)
            else { return }
            schedule(
                .inNetwork(parent), SimulatedDatagram(datagram.bytes, from: outside, to: datagram.to), at: now)
        }
    }

    private func schedule(_ step: Step, _ datagram: SimulatedDatagram, at instant: Instant) {
        let item = UnderWay(arrives: instant, order: order, step: step, datagram: datagram)
        order += 1
        // few are under way at once, and a new one mostly comes last
        var low = 0
        var high = underWay.count
        while low < high {
            let middle = (low + high) / 2
            if underWay[middle].arrives > instant { low = middle + 1 } else { high = middle }
        }
        underWay.insert(item, at: low)
    }
}
