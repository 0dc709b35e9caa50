public import Wire

/// Looks `.local` names of candidates up, and answers for our own (RFC 8828 §5.2, RFC 6762). It opens no socket: the
/// shell sends to the group (224.0.0.251 and ff02::fb, port 5353) on every interface.
public struct MulticastDNS {
    /// What it is told.
    public enum Input: Sendable {
        /// Somebody needs the addresses of a name.
        case lookUp(String)
        /// From now on `name` stands for `address`.
        case publish(String, IPAddress)
        /// A name is no longer used.
        case withdraw(String)
        /// A datagram has come to the port.
        case datagram([UInt8], from: SocketAddress)
        /// The deadline has passed.
        case timePassed
    }

    /// What is to be done.
    public enum Output: Hashable, Sendable {
        /// Send it to the group on every interface.
        case multicast([UInt8])
        /// Send it to the one who has asked.
        case unicast([UInt8], to: SocketAddress)
        /// A look-up has ended; without an address nobody has answered.
        case resolved(String, [IPAddress])
    }

    private struct Lookup {
        let name: String
        var asked = 0
        var nextAt: Instant
    }

    private struct Publication {
        let name: String
        let address: IPAddress
        var multicastAt: Instant?
    }

    /// The port of multicast DNS.
    public static let port: UInt16 = 5353
    /// RFC 6762 §5.2: the second question comes a second after the first, then twice as long passes each time.
    private static let waits: [Duration] = [.seconds(1), .seconds(2), .seconds(2)]
    /// Names looked up at once: a few peers with their candidates.
    private static let maximumLookups = 256
    /// RFC 6762 §10: the recommended time to live of what tells a host's address.
    private static let timeToLive: UInt32 = 120
    /// RFC 6762 §6.7: for askers that are no responders themselves.
    private static let legacyTimeToLive: UInt32 = 10

    private var lookups: [Lookup] = []
    private var publications: [Publication] = []
    private var outputs: [Output] = []
    private var drained = 0
    /// Datagrams that were no use.
    public private(set) var discarded = 0

    /// One that knows nothing yet.
    public init() {}

    /// Whether `name` is one of those that multicast DNS is for (RFC 6762 §3).
    public static func isLocal(_ name: String) -> Bool {
        name.lowercased().hasSuffix(".local") && MDNSMessage.isValid(name)
    }

    /// When `handle(.timePassed, at:)` is due; nil for never.
    public var deadline: Instant? { lookups.map(\.nextAt).min() }

    /// Takes note of `input`, which happened at `now`.
    public mutating func handle(_ input: Input, at now: Instant) {
        switch input {
        case .lookUp(let name):
            lookUp(name, at: now)
        case .publish(let name, let address):
            precondition(Self.isLocal(name), "only .local names are published")
            publications.append(Publication(name: name, address: address, multicastAt: now))
            // RFC 6762 §8.3; a random name needs no probing
            outputs.append(.multicast(response(publications.suffix(1), timeToLive: Self.timeToLive)))
        case .withdraw(let name):
            let withdrawn = publications.filter { $0.name.isSame(as: name) }
            publications.removeAll { $0.name.isSame(as: name) }
            guard !withdrawn.isEmpty else { return }
            outputs.append(.multicast(response(withdrawn[...], timeToLive: 0)))
        case .datagram(let datagram, let source):
            guard let message = try? MDNSMessage(parsing: datagram) else {
                discarded += 1
                return
            }
            if message.isResponse { take(message, from: source) } else { answer(message, to: source, at: now) }
        case .timePassed:
            ask(at: now)
        }
    }

    /// The next thing to do; nil when nothing is left.
    public mutating func nextOutput() -> Output? {
        guard drained < outputs.count else {
            outputs.removeAll(keepingCapacity: true)
            drained = 0
            return nil
        }
        defer { drained += 1 }
        return outputs[drained]
    }

    // MARK: Asking

    private mutating func lookUp(_ name: String, at now: Instant) {
        if let own = publications.first(where: { $0.name.isSame(as: name) }) {
            return outputs.append(.resolved(name, [own.address]))
        }
        guard Self.isLocal(name), lookups.count < Self.maximumLookups else {
            return outputs.append(.resolved(name, []))
        }
        guard !lookups.contains(where: { $0.name == name }) else { return }
        lookups.append(Lookup(name: name, nextAt: now))
        ask(at: now)
    }

    private mutating func ask(at now: Instant) {
        for index in lookups.indices.reversed() where lookups[index].nextAt <= now {
            let lookup = lookups[index]
            guard lookup.asked < Self.waits.count else {
                lookups.remove(at: index)
                outputs.append(.resolved(lookup.name, []))
                continue
            }
            let questions = [MDNSMessage.QuestionType.a, .aaaa].map {
                MDNSMessage.Question(name: lookup.name, type: $0)
            }
            outputs.append(.multicast(MDNSMessage(isResponse: false, questions: questions).serialized()))
            lookups[index].nextAt = now + Self.waits[lookup.asked]
            lookups[index].asked += 1
        }
    }

    private mutating func take(_ message: MDNSMessage, from source: SocketAddress) {
        // RFC 6762 §6: "MUST silently ignore any Multicast DNS responses they receive where the source UDP port is not
        // 5353"
        guard source.port == Self.port else {
            discarded += 1
            return
        }
        for index in lookups.indices.reversed() {
            let name = lookups[index].name
            let addresses = message.records.filter { $0.timeToLive > 0 && $0.name.isSame(as: name) }.map(\.address)
            guard !addresses.isEmpty else { continue }
            lookups.remove(at: index)
            outputs.append(.resolved(name, addresses))
        }
    }

    // MARK: Answering

    private mutating func answer(_ query: MDNSMessage, to source: SocketAddress, at now: Instant) {
        let isLegacy = source.port != Self.port
        let wantsUnicast = query.questions.allSatisfy(\.wantsUnicast)
        var answered: [Publication] = []
        var asked: [MDNSMessage.Question] = []
        for index in publications.indices {
            let publication = publications[index]
            let type: MDNSMessage.QuestionType = publication.address.isIPv6 ? .aaaa : .a
            let question = query.questions.first {
                $0.name.isSame(as: publication.name) && ($0.type == type || $0.type == .any)
            }
            // RFC 6762 §7.1: the asker knows it already
            let isKnown = query.records.contains {
                $0.name.isSame(as: publication.name) && $0.address == publication.address
                    && $0.timeToLive >= Self.timeToLive / 2
            }
            guard let question, !isKnown else { continue }
            if !isLegacy, !wantsUnicast {
                // RFC 6762 §6: a record MUST NOT be multicast again within a second
                if let last = publication.multicastAt, now - last < .seconds(1) { continue }
                publications[index].multicastAt = now
            }
            answered.append(publication)
            if !asked.contains(question) { asked.append(question) }
        }
        guard !answered.isEmpty else { return }
        if isLegacy {
            // of its questions only those that are answered: others may ask for names that cannot be written, or be many
            var message = MDNSMessage(id: query.id, isResponse: true, questions: asked)
            message.records = answered.map {
                .init(name: $0.name, address: $0.address, timeToLive: Self.legacyTimeToLive, flushesCache: false)
            }
            outputs.append(.unicast(message.serialized(), to: source))
        } else {
            let message = response(answered[...], timeToLive: Self.timeToLive)
            outputs.append(wantsUnicast ? .unicast(message, to: source) : .multicast(message))
        }
    }

    private func response(_ publications: ArraySlice<Publication>, timeToLive: UInt32) -> [UInt8] {
        MDNSMessage(
            isResponse: true,
            records: publications.map {
                .init(name: $0.name, address: $0.address, timeToLive: timeToLive, flushesCache: true)
            }
        ).serialized()
    }
}

extension String {
    /// RFC 6762 §16: names are compared without regard to case.
    fileprivate func isSame(as other: String) -> Bool { lowercased() == other.lowercased() }
}
