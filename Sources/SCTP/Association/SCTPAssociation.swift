public import Wire

/// One SCTP association with a peer (RFC 9260), as data channels need it (RFC 8831): over DTLS, of one path, with
/// partial reliability (RFC 3758, RFC 7496), stream resets (RFC 6525) and message interleaving (RFC 8260), without I/O.
///
/// Packets come in by `handle(.packet(…))` and go out by `nextOutput()`; `send` takes a message. Drain it after each.
public struct SCTPAssociation {
    /// How it behaves.
    public let configuration: SCTPConfiguration
    /// Where it stands.
    public internal(set) var state = State.closed
    /// What was sent and received.
    public internal(set) var statistics = Statistics()
    /// What came and was of no use.
    public private(set) var discards: [DiscardReason: Int] = [:]
    /// How many streams may be sent by: what was agreed on, or before that what is asked for.
    public internal(set) var outboundStreams: Int
    /// How many streams the other side may send by.
    public internal(set) var inboundStreams: Int

    let random: any RandomSource
    let cookieKey: SipHash
    /// Whether it was there and is over; it does not come back.
    var hasEnded = false

    // What the handshake agrees on.
    var localTag: UInt32
    var localInitialTSN: UInt32
    /// 0 while it is not known.
    var remoteTag: UInt32 = 0
    /// What both sides can do.
    var extensions: SCTPExtensions = []
    var handshake = Handshake()

    // Sending.
    var queue = SendQueue()
    var outstanding: OutstandingQueue
    var congestion: CongestionWindow
    var timeout: RetransmissionTimeout
    /// The receiver window that the other side announced last.
    var remoteWindow = 0
    var retransmissionDeadline: Instant?
    /// Timeouts since the other side last acknowledged anything (RFC 9260 §8.1).
    var errorCount = 0
    var lastForward: (tsn: UInt32, at: Instant)?
    var heartbeat = Heartbeat()

    // Receiving.
    var received = ReceivedTSNs(initial: TSN(initial: 0))
    var reassembly: Reassembly
    var acknowledgement = PendingAcknowledgement()

    var resets = StreamResets()
    var shutdownTimer = ShutdownTimer()

    /// Chunks that leave with the next packet.
    var control: [SCTPChunk] = []
    private var outputs: [Output] = []
    private var drained = 0

    /// An association that has not begun.
    public init(configuration: SCTPConfiguration = SCTPConfiguration(), random: any RandomSource) {
        precondition((256...65535).contains(configuration.maximumPacketSize), "a packet holds a fragment")
        precondition(configuration.maximumStreams > 0, "there is a stream")
        self.configuration = configuration
        self.random = random
        outboundStreams = Int(configuration.maximumStreams)
        inboundStreams = outboundStreams
        cookieKey = SipHash(key: (random.next(), random.next()))
        localTag = Self.tag(random)
        localInitialTSN = random.uint32()
        outstanding = OutstandingQueue(initial: TSN(initial: localInitialTSN))
        congestion = CongestionWindow(segment: configuration.maximumPacketSize, receiverWindow: 0)
        timeout = RetransmissionTimeout(configuration)
        reassembly = Reassembly(isInterleaved: false, maximumMessageSize: configuration.maximumMessageSize)
    }

    /// RFC 9260 §3.3.2: an Initiate Tag is never 0.
    static func tag(_ random: any RandomSource) -> UInt32 {
        max(1, random.uint32())
    }

    /// Takes an input.
    public mutating func handle(_ input: Input, at now: Instant) {
        guard !hasEnded else { return }
        switch input {
        case .start: start(at: now)
        case .packet(let bytes): take(bytes, at: now)
        case .resetStreams(let streams): reset(streams)
        case .shutdown: shutdown(at: now)
        case .abort: abort(.userInitiatedAbort, reason: "")
        case .timePassed: passTime(at: now)
        }
        flush(at: now)
    }

    /// Sends a message, or keeps it until it can be sent.
    public mutating func send(
        _ message: SCTPMessage, reliability: SCTPMessage.Reliability = .reliable, at now: Instant
    ) throws(SendError) {
        precondition(!message.payload.isEmpty, "SCTP has no empty messages (RFC 9260 §3.3.1)")
        switch state {
        case .closed where !hasEnded, .cookieWait, .cookieEchoed, .established: break
        default: throw .closed
        }
        guard Int(message.stream.rawValue) < outboundStreams, !resets.concern(message.stream) else { throw .stream }
        guard queue.bufferedAmount + message.payload.count <= configuration.sendBufferSize else { throw .bufferFull }
        queue.append(message, reliability, at: now)
        flush(at: now)
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

    /// When `handle(.timePassed, at:)` wants to be called; nil for never.
    public var deadline: Instant? {
        guard !hasEnded else { return nil }
        return earliest(
            handshake.deadline, retransmissionDeadline, acknowledgement.deadline, heartbeat.deadline, resets.deadline,
            shutdownTimer.deadline, shutdownTimer.guardDeadline)
    }

    /// How many bytes wait to be sent by `stream` for the first time.
    public func bufferedAmount(of stream: SCTPStreamIdentifier) -> Int { queue.bufferedAmount(of: stream) }

    /// Bytes that may be in flight.
    public var congestionWindow: Int { congestion.size }

    /// The smoothed round trip time; nil before one was measured.
    public var smoothedRoundTripTime: Duration? { timeout.smoothedRoundTripTime }

    /// Whether long messages let others pass (RFC 8260).
    public var isInterleaving: Bool { extensions.contains(.interleaving) }

    /// Whether the other side can reset streams (RFC 6525).
    public var resetsStreams: Bool { extensions.contains(.reconfiguration) }

    private mutating func passTime(at now: Instant) {
        if let deadline = handshake.deadline, deadline <= now { repeatHandshake(at: now) }
        if let deadline = retransmissionDeadline, deadline <= now { retransmissionTimedOut(at: now) }
        if let deadline = acknowledgement.deadline, deadline <= now { acknowledgement.isDue = true }
        if let deadline = heartbeat.deadline, deadline <= now { sendHeartbeat(at: now) }
        if let deadline = resets.deadline, deadline <= now { repeatReset(at: now) }
        shutdownTimePassed(at: now)
    }

    // MARK: Ends

    /// RFC 9260 §8.1; of what the other side did not answer for too long.
    mutating func countError() {
        errorCount += 1
        if let limit = configuration.maximumRetransmissions, errorCount > limit {
            abort(.userInitiatedAbort, reason: "", as: .failed(.unresponsive))
        }
    }

    /// The other side breaks the rules, or asks too much.
    mutating func fail(_ error: SCTPError) {
        switch error {
        case .outOfResource: abort(.outOfResource, reason: "", as: .failed(error))
        case .protocolViolation(let what): abort(.protocolViolation, reason: what, as: .failed(error))
        case .aborted, .unresponsive: end(.failed(error))
        }
    }

    mutating func abort(_ cause: ErrorCause.Code, reason: String, as event: Event = .closed) {
        guard !hasEnded else { return }
        if remoteTag != 0 {
            let causes = reason.isEmpty ? [ErrorCause(cause)] : [ErrorCause(cause, reason: reason)]
            transmit([.abort(causes, isReflected: false)], tag: remoteTag)
        }
        end(event)
    }

    mutating func end(_ event: Event) {
        guard !hasEnded else { return }
        hasEnded = true
        state = .closed
        control = []
        queue.removeAll()
        outstanding = OutstandingQueue(initial: TSN(initial: localInitialTSN))
        reassembly = Reassembly(isInterleaved: false, maximumMessageSize: configuration.maximumMessageSize)
        emit(event)
    }

    // MARK: Output

    mutating func emit(_ event: Event) {
        outputs.append(.event(event))
    }

    mutating func transmit(_ bytes: [UInt8]) {
        statistics.packetsSent += 1
        outputs.append(.transmit(bytes))
    }

    /// Sends a packet of its own.
    mutating func transmit(_ chunks: [SCTPChunk], tag: UInt32) {
        let packet = SCTPPacket(
            sourcePort: configuration.localPort, destinationPort: configuration.remotePort, verificationTag: tag,
            chunks: chunks)
        transmit(packet.bytes)
    }

    mutating func discard(_ reason: DiscardReason) {
        discards[reason, default: 0] += 1
    }
}
