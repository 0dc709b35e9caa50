import Glibc
import ICE
import Wire

/// Finds out what names in viewers' candidates stand for: `.local` ones by multicast DNS, others by the system's
/// resolver, which blocks and so has a thread.
final class NameService {
    private var core = MulticastDNS()
    /// One of each address family on each interface.
    private(set) var sockets: [UDPSocket] = []
    private var waiting: [String: Set<SessionID>] = [:]
    /// The names that stand for our own addresses.
    private(set) var ownNames: [IPAddress: String] = [:]
    private let random: any RandomSource
    private let log: Log
    private let questions = Handover<String>(capacity: 64)
    private var resolver: WorkerThread?
    private var isNeeded = false

    private static let groups: [Bool: SocketAddress] = [
        false: SocketAddress(.v4(0xE000_00FB), port: MulticastDNS.port),
        true: SocketAddress(.v6(high: 0xFF02_0000_0000_0000, low: 0xFB), port: MulticastDNS.port),
    ]

    init(random: any RandomSource, log: Log) {
        self.random = random
        self.log = log
    }

    /// What a look-up has found, and for whom.
    struct Answer {
        let name: String
        let addresses: [IPAddress]
        let sessions: Set<SessionID>
    }

    /// When `advance` is due.
    var deadline: Instant? { core.deadline }

    // MARK: Sockets

    /// Opens sockets on every interface, once there is something to ask or to answer; true where there are new ones to
    /// watch, and old ones to forget, which `forget` is called for.
    func open(anew: Bool, forget: (UDPSocket) -> Void) -> Bool {
        guard isNeeded, anew || sockets.isEmpty else { return false }
        for socket in sockets { forget(socket) }
        sockets = []
        var seen: Set<String> = []
        for interface in NetworkInterface.current() where !interface.address.isLoopback {
            guard seen.insert("\(interface.name) \(interface.address.isIPv6)").inserted else { continue }
            do throws(SocketError) {
                sockets.append(
                    try UDPSocket(
                        joiningMulticastDNSOn: if_nametoindex(interface.name), isIPv6: interface.address.isIPv6))
            } catch {
                log.debug("names: \(error) on \(interface.name)")
            }
        }
        return true
    }

    // MARK: Look-ups

    /// Looks `name` up for a peer.
    func lookUp(_ name: String, for session: SessionID, at now: Instant) {
        waiting[name, default: []].insert(session)
        if MulticastDNS.isLocal(name) {
            isNeeded = true
            core.handle(.lookUp(name), at: now)
        } else if let lost = questions.give(name) {
            log.debug("names: too many to look up; \(lost) gives way")
        }
    }

    /// Starts the thread that asks the system's resolver, where there is not one yet; `each` is called on it.
    func startResolver(_ each: @escaping @Sendable (String, [IPAddress]) -> Void) {
        guard resolver == nil else { return }
        let questions = questions
        resolver = WorkerThread(name: "names") { stop in
            while !stop.isRequested {
                guard let name = questions.take(timeout: .seconds(1)) else { continue }
                each(name, resolve(name, port: 0).map(\.ip))
            }
        }
    }

    /// Ends the thread; it may be asking a name server that does not answer, and is not waited for.
    func stop() {
        questions.close()
        resolver?.requestStop()
    }

    /// Who waits for the name that was resolved.
    func answer(_ name: String, _ addresses: [IPAddress]) -> Answer {
        Answer(name: name, addresses: addresses, sessions: waiting.removeValue(forKey: name) ?? [])
    }

    /// What has come to a socket.
    func receive(on descriptor: Int32, at now: Instant) {
        guard let socket = sockets.first(where: { $0.descriptor == descriptor }) else { return }
        for _ in 0..<4 {
            let mayHaveMore = socket.receive { bytes, source in
                core.handle(.datagram(bytes, from: source), at: now)
            }
            guard mayHaveMore else { return }
        }
    }

    /// Asks again where it is time to.
    func advance(at now: Instant) {
        if let deadline = core.deadline, deadline <= now { core.handle(.timePassed, at: now) }
    }

    /// Sends what is to be sent; the look-ups that have ended.
    func drain() -> [Answer] {
        var answers: [Answer] = []
        while let output = core.nextOutput() {
            switch output {
            case .multicast(let datagram):
                for socket in sockets {
                    guard let group = Self.groups[socket.local.ip.isIPv6] else { continue }
                    send(datagram, by: socket, to: group)
                }
            case .unicast(let datagram, let remote):
                guard let socket = sockets.first(where: { $0.local.ip.isIPv6 == remote.ip.isIPv6 }) else { continue }
                send(datagram, by: socket, to: remote)
            case .resolved(let name, let addresses):
                answers.append(answer(name, addresses))
            }
        }
        return answers
    }

    private func send(_ datagram: [UInt8], by socket: UDPSocket, to remote: SocketAddress) {
        var batch = DatagramBatch()
        batch.append(datagram, from: socket.local, to: remote)
        _ = socket.send(batch.storage, batch.entries[...])
    }

    // MARK: Our own names

    /// A name for an address of ours, which nobody can tell the address from.
    func publish(_ address: IPAddress, at now: Instant) {
        guard ownNames[address] == nil, !address.isLoopback else { return }
        isNeeded = true
        let name = Self.uuid(random) + ".local"
        ownNames[address] = name
        core.handle(.publish(name, address), at: now)
    }

    /// An address of ours has gone.
    func withdraw(_ address: IPAddress, at now: Instant) {
        guard let name = ownNames.removeValue(forKey: address) else { return }
        core.handle(.withdraw(name), at: now)
    }

    /// A random UUID (RFC 9562 §5.4).
    static func uuid(_ random: any RandomSource) -> String {
        var bytes = random.bytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        let groups = [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }
        return groups.joined(separator: "-")
    }
}
