import Wire

@testable import SCTP

/// Two associations with a network between them that loses, repeats and delays packets as a seed has it, on a clock
/// that jumps from event to event.
final class LossyLink {
    struct Conditions {
        /// Of 100 packets so many are lost.
        var loss = 0
        /// Of 100 packets so many arrive twice.
        var duplication = 0
        /// How long a packet takes, in milliseconds, at least and at most: more than one reorders.
        var delay = 20...20

        static let perfect = Conditions()
        static let hostile = Conditions(loss: 10, duplication: 5, delay: 5...60)
    }

    enum Side: CaseIterable {
        case left, right

        var other: Side { self == .left ? .right : .left }
    }

    /// What became of one side.
    struct Endpoint {
        var association: SCTPAssociation
        var events: [SCTPAssociation.Event] = []
        var messages: [SCTPMessage] = []
        var sent: [SCTPPacket] = []
    }

    var left: Endpoint
    var right: Endpoint
    var conditions: Conditions
    /// Decides about packets on its own: nil loses one. The arguments are who sent it, and how many that side had sent.
    var filter: (Side, Int, SCTPPacket) -> SCTPPacket? = { $2 }
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private let random: SeededRandomSource
    private var inFlight: [(at: Instant, order: Int, to: Side, bytes: [UInt8])] = []
    private var order = 0

    init(
        seed: UInt64 = 1, _ conditions: Conditions = .perfect,
        left configureLeft: (inout SCTPConfiguration) -> Void = { _ in },
        right configureRight: (inout SCTPConfiguration) -> Void = { _ in }
    ) {
        self.conditions = conditions
        random = SeededRandomSource(seed: seed)
        let make = { (configure: (inout SCTPConfiguration) -> Void, seed: UInt64) in
            var configuration = SCTPConfiguration()
            configure(&configuration)
            return Endpoint(
                association: SCTPAssociation(
                    configuration: configuration, random: SeededRandomSource(seed: seed)))
        }
        left = make(configureLeft, seed &* 2 &+ 1000)
        right = make(configureRight, seed &* 2 &+ 1001)
    }

    subscript(side: Side) -> Endpoint {
        _read { if side == .left { yield left } else { yield right } }
        _modify { if side == .left { yield &left } else { yield &right } }
    }

    /// Begins on both sides, as data channels do, and waits until both are established.
    func connect() {
        for side in Side.allCases { act(side) { $0.handle(.start, at: $1) } }
        run { $0.left.association.state == .established && $0.right.association.state == .established }
    }

    /// Does something to an association and sends what comes of it.
    @discardableResult
    func act<Result>(_ side: Side, _ body: (inout SCTPAssociation, Instant) throws -> Result) rethrows -> Result {
        let result = try body(&self[side].association, now)
        drain(side)
        return result
    }

    func send(
        _ payload: [UInt8], from side: Side = .left, stream: UInt16 = 0, isUnordered: Bool = false,
        _ reliability: SCTPMessage.Reliability = .reliable
    ) {
        act(side) { association, now in
            let message = SCTPMessage(
                stream: SCTPStreamIdentifier(stream), payloadProtocol: .binary, payload: payload,
                isUnordered: isUnordered)
            try! association.send(message, reliability: reliability, at: now)
        }
    }

    /// Puts a packet into the network that no association has sent.
    func inject(_ bytes: [UInt8], to side: Side) {
        act(side) { $0.handle(.packet(bytes), at: $1) }
    }

    /// A packet as the other side of `side` would send it.
    func inject(_ chunks: [SCTPChunk], to side: Side, tag: UInt32? = nil) {
        let packet = SCTPPacket(
            sourcePort: 5000, destinationPort: 5000,
            verificationTag: tag ?? self[side].association.localTag, chunks: chunks)
        inject(packet.bytes, to: side)
    }

    /// Lets time pass until `isDone`, nothing is due any more, or the limit; whether `isDone`.
    @discardableResult
    func run(for limit: Duration = .seconds(300), until isDone: (LossyLink) -> Bool = { _ in false }) -> Bool {
        let end = now + limit
        while !isDone(self) {
            let arrival = inFlight.map(\.at).min()
            let next = earliest(arrival, left.association.deadline, right.association.deadline)
            guard let next, next <= end else {
                if limit < .seconds(300) { now = end }
                return isDone(self)
            }
            now = max(now, next)
            if let index = inFlight.indices.min(by: {
                (inFlight[$0].at, inFlight[$0].order) < (inFlight[$1].at, inFlight[$1].order)
            }), inFlight[index].at <= now {
                let packet = inFlight.remove(at: index)
                act(packet.to) { $0.handle(.packet(packet.bytes), at: $1) }
            } else {
                for side in Side.allCases { act(side) { $0.handle(.timePassed, at: $1) } }
            }
        }
        return true
    }

    private func drain(_ side: Side) {
        while let output = self[side].association.nextOutput() {
            switch output {
            case .transmit(let bytes): transmit(bytes, from: side)
            case .event(.message(let message)): self[side].messages.append(message)
            case .event(let event): self[side].events.append(event)
            }
        }
    }

    private func transmit(_ bytes: [UInt8], from side: Side) {
        let packet = try! SCTPPacket(parsing: bytes)
        let count = self[side].sent.count
        self[side].sent.append(packet)
        guard let passed = filter(side, count, packet), random.below(100) >= conditions.loss else { return }
        let bytes = passed == packet ? bytes : passed.bytes
        for _ in 0...(random.below(100) < conditions.duplication ? 1 : 0) {
            let delay = conditions.delay.lowerBound + random.below(conditions.delay.count)
            order += 1
            inFlight.append((now + .milliseconds(delay), order, side.other, bytes))
        }
    }
}

extension LossyLink.Endpoint {
    /// The chunks of data sent so far.
    var sentData: [DataChunk] {
        sent.flatMap(\.chunks).compactMap { if case .data(let data) = $0 { data } else { nil } }
    }

    /// The acknowledgements sent so far.
    var sentAcknowledgements: [SelectiveAcknowledgementChunk] {
        sent.flatMap(\.chunks).compactMap { if case .selectiveAcknowledgement(let sack) = $0 { sack } else { nil } }
    }

    /// What was told to skip so far.
    var sentForwards: [ForwardTSNChunk] {
        sent.flatMap(\.chunks).compactMap { if case .forwardTSN(let forward) = $0 { forward } else { nil } }
    }
}

/// `count` bytes that say which message they are of, and where in it.
func payload(_ number: Int, count: Int) -> [UInt8] {
    (0..<max(2, count)).map { index in
        switch index {
        case 0: UInt8(truncatingIfNeeded: number >> 8)
        case 1: UInt8(truncatingIfNeeded: number)
        default: UInt8(truncatingIfNeeded: index &* 31 &+ number)
        }
    }
}

/// The number that `payload` was made of.
func number(of payload: [UInt8]) -> Int { Int(payload[0]) << 8 | Int(payload[1]) }
