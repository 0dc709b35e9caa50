public import Wire

/// Lets packets of one viewer leave at a rate that his path carries (draft-ietf-rmcat-gcc-02 §4, "the pacer"): a leaky
/// bucket with priorities.
///
/// ```
///   audio ────────── never waits ────────────────┐
///   retransmissions ─┐                           ├─► nextDeparture
///   video ───────────┴─ while the bucket is low ─┤
///   padding ─────────── while a cluster probes ──┘
/// ```
///
/// It moves what stands for packets (`Payload`: an index, a reference), never their bytes. Queue, call `nextDeparture`
/// until it has none, and again when `deadline` has come; tell the `BandwidthEstimator` of each packet that left, and
/// `follow` it after each message that it took.
public struct Pacer<Payload: Sendable>: Sendable {
    /// How it sends and how much it lets wait.
    public var configuration: PacerConfiguration
    /// What was sent and what was not.
    public private(set) var statistics = PacerStatistics()
    /// Whether frames of video are dropped until a key frame.
    public private(set) var isDropping = false

    private var audio = PacketQueue<Payload>()
    private var retransmissions = PacketQueue<Payload>()
    private var video = PacketQueue<Payload>()
    private var probes: [ProbeSending] = []
    private var targetBitrate: Double
    /// Bytes that may leave before the next feedback.
    private var allowance = Int.max
    /// Bytes that left before their time, and when that was so.
    private var debt = 0.0
    private var settled = Instant.zero
    /// bit/s
    private var rate: Double
    /// When the packets that leave together began to.
    private var burstStarted: Instant?
    private var nextFrame: UInt64 = 1
    /// Whether nothing is known of the path yet.
    private var isStarting = true
    /// The frame of which a part has left.
    private var frameBegun: UInt64?

    private static var maximumProbes: Int { 4 }
    /// Sound that does not wait may take no more than this from what follows.
    private static var maximumDebt: Duration { .milliseconds(500) }

    /// A pacer that begins with a target of `bitrate`, in bit/s.
    public init(bitrate: Double, configuration: PacerConfiguration = PacerConfiguration()) {
        precondition(bitrate > 0 && configuration.pacingFactor >= 1, "a pacer sends")
        self.configuration = configuration
        targetBitrate = bitrate
        rate = bitrate * configuration.pacingFactor
    }

    // MARK: What is known

    /// Packets that wait.
    public var queuedPackets: Int { audio.count + retransmissions.count + video.count }

    /// Bytes that wait.
    public var queuedBytes: Int { audio.bytes + retransmissions.bytes + video.bytes }

    /// For how long the first packet of video has waited; zero where none waits.
    public func queueTime(at now: Instant) -> Duration {
        video.first.map { now - $0.queued } ?? .zero
    }

    /// Whether more is in flight than the path should hold: only sound leaves until feedback comes.
    public var isCongested: Bool { allowance <= 0 }

    /// Whether a key frame is needed and would leave soon. While the path is blocked there is none to be asked for: it
    /// would be dropped, too, and cost the other viewers of the same encoder.
    public var wantsKeyFrame: Bool { isDropping && !isCongested && video.isEmpty }

    /// When to call `nextDeparture` again; nil while nothing can leave by time alone.
    public var deadline: Instant? {
        if !audio.isEmpty { return settled }
        guard !isCongested else { return nil }
        // while a cluster probes, everything waits for its turn in it
        if let probe = probes.first, canFill { return max(probe.due ?? settled, settled) }
        guard !retransmissions.isEmpty || !video.isEmpty else { return nil }
        return settled + .nanoseconds(debt > 0 ? Int64((debt * 8e9 / rate).rounded(.up)) + 1 : 0)
    }

    private var canFill: Bool { configuration.maximumPaddingSize > 0 || !retransmissions.isEmpty || !video.isEmpty }

    // MARK: What comes in

    /// Takes the rate and the room in the network from the estimator.
    public mutating func follow(_ estimator: BandwidthEstimator, at now: Instant) {
        settle(at: now)
        targetBitrate = estimator.targetBitrate
        if estimator.isInformed, video.isEmpty, statistics.video.packets > 0 { isStarting = false }
        let window = estimator.congestionWindow
        allowance = window == .max ? .max : window - estimator.bytesInFlight
        chooseRate(at: now)
    }

    /// Sends packets at the cluster's rate, as soon as there are some.
    public mutating func probe(_ cluster: ProbeCluster) {
        guard probes.count < Self.maximumProbes else {
            statistics.clustersGivenUp += 1
            return
        }
        probes.append(ProbeSending(cluster))
    }

    /// Queues a packet of sound, of `size` bytes on the wire.
    public mutating func enqueueAudio(_ payload: Payload, size: Int, at now: Instant) {
        settle(at: now)
        if audio.count >= configuration.maximumQueuePackets {
            audio.removeFirst()
            statistics.packetsDropped += 1
        }
        audio.append(QueuedPacket(payload: payload, size: size, queued: now, frame: 0))
    }

    /// Queues a retransmission, of `size` bytes on the wire. Where too many wait it is dropped: who needs it asks again.
    public mutating func enqueueRetransmission(_ payload: Payload, size: Int, at now: Instant) {
        settle(at: now)
        guard retransmissions.count < configuration.maximumQueuePackets else {
            statistics.packetsDropped += 1
            return
        }
        retransmissions.append(QueuedPacket(payload: payload, size: size, queued: now, frame: 0))
        chooseRate(at: now)
    }

    /// Queues the `count` packets of a frame of video, whole or not at all. `packet` says what stands for each, and its
    /// bytes on the wire. Of a frame that comes in parts only one `isFirst`, and the others share its fate.
    public mutating func enqueueFrame(
        packets count: Int, isKeyFrame: Bool, isFirst: Bool = true, at now: Instant,
        _ packet: (Int) -> (payload: Payload, size: Int)
    ) -> FrameOutcome {
        settle(at: now)
        guard isFirst else {
            guard !isDropping, nextFrame > 0 else { return .dropped }
            enqueue(count, of: nextFrame - 1, at: now, packet)
            return .queued
        }
        if isDropping {
            guard isKeyFrame, !isCongested else { return drop(1) }
            isDropping = false
        } else if isKeyFrame, queueTime(at: now) > configuration.queueTimeLimit {
            // what waits is late, and from here on nobody needs it
            dropWaiting()
        }
        if queueTime(at: now) > configuration.maximumQueueTime || video.bytes > configuration.maximumQueueBytes {
            dropWaiting()
            isDropping = true
            return drop(1)
        }
        nextFrame += 1
        enqueue(count, of: nextFrame - 1, at: now, packet)
        return .queued
    }

    private mutating func enqueue(
        _ count: Int, of frame: UInt64, at now: Instant, _ packet: (Int) -> (payload: Payload, size: Int)
    ) {
        for index in 0..<count {
            let (payload, size) = packet(index)
            video.append(QueuedPacket(payload: payload, size: size, queued: now, frame: frame))
        }
        chooseRate(at: now)
    }

    private mutating func drop(_ frames: UInt64) -> FrameOutcome {
        statistics.framesDropped += frames
        return .dropped
    }

    /// Drops the frames of which nothing has left.
    private mutating func dropWaiting() {
        guard let first = video.first else { return }
        let begun = first.frame == frameBegun ? frameBegun : nil
        let dropped = begun.map { $0 + 1 } ?? first.frame
        statistics.framesDropped += nextFrame - dropped
        nextFrame = dropped
        video.removeLast(after: begun)
    }

    /// Forgets what waits: there is no way for it any more. Video goes on with a key frame.
    public mutating func removeAll() {
        guard queuedPackets > 0 else { return }
        if !video.isEmpty {
            statistics.framesDropped += nextFrame - (video.first?.frame ?? nextFrame)
            isDropping = true
        }
        statistics.packetsDropped += UInt64(audio.count + retransmissions.count)
        (audio, retransmissions, video) = (PacketQueue(), PacketQueue(), PacketQueue())
    }

    // MARK: What goes out

    /// The next packet to leave now; nil while none may.
    public mutating func nextDeparture(at now: Instant) -> Departure<Payload>? {
        settle(at: now)
        while let probe = probes.first, probe.isComplete || isCongested || probe.isLate(at: now) {
            if probe.isComplete { statistics.clustersSent += 1 } else { statistics.clustersGivenUp += 1 }
            probes.removeFirst()
        }
        if let packet = audio.removeFirst() {
            // sound begins no cluster: nothing would follow it at the cluster's rate
            return depart(packet, .audio, in: probes.first.flatMap { $0.hasStarted ? $0.cluster.id : nil }, at: now)
        }
        guard !isCongested else { return nil }
        while let first = retransmissions.first, now - first.queued > configuration.maximumQueueTime {
            retransmissions.removeFirst()
            statistics.packetsDropped += 1
        }
        if !probes.isEmpty, canFill {
            guard probes[0].mayDepart(at: now) else { return nil }
            return departMedia(in: probes[0].cluster.id, at: now) ?? pad(probes[0], at: now)
        }
        guard mayDepart(at: now) else { return nil }
        return departMedia(in: nil, at: now)
    }

    private mutating func mayDepart(at now: Instant) -> Bool {
        if debt == 0 {
            burstStarted = now
            return true
        }
        return burstStarted == now && debt * 8 < rate * configuration.burstInterval.inSeconds
    }

    private mutating func departMedia(in cluster: ProbeCluster.ID?, at now: Instant) -> Departure<Payload>? {
        if let packet = retransmissions.removeFirst() { return depart(packet, .retransmissions, in: cluster, at: now) }
        guard let packet = video.removeFirst() else { return nil }
        frameBegun = packet.frame
        return depart(packet, .video, in: cluster, at: now)
    }

    private mutating func depart(
        _ packet: QueuedPacket<Payload>, _ kind: PacerStatistics.Kind, in cluster: ProbeCluster.ID?, at now: Instant
    ) -> Departure<Payload> {
        statistics.totalPacketSendDelay += now - packet.queued
        account(packet.size, kind, at: now)
        return .packet(packet.payload, cluster)
    }

    private mutating func pad(_ probe: ProbeSending, at now: Instant) -> Departure<Payload>? {
        guard configuration.maximumPaddingSize > 0 else { return nil }
        account(configuration.maximumPaddingSize, .padding, at: now)
        return .padding(configuration.maximumPaddingSize, probe.cluster.id)
    }

    private mutating func account(_ size: Int, _ kind: PacerStatistics.Kind, at now: Instant) {
        statistics.count(kind, size)
        if !probes.isEmpty, kind != .audio || probes[0].hasStarted { probes[0].departed(size, at: now) }
        if allowance != .max { allowance -= size }
        debt = min(debt + Double(size), rate / 8 * Self.maximumDebt.inSeconds)
    }

    // MARK: The bucket

    /// Lets the bucket leak until now.
    private mutating func settle(at now: Instant) {
        guard now > settled else { return }
        debt = max(debt - rate / 8 * (now - settled).inSeconds, 0)
        settled = now
    }

    /// The rate at which it leaks until something else comes: the pacing factor's, or what empties the queue in time.
    private mutating func chooseRate(at now: Instant) {
        let limit = configuration.queueTimeLimit
        let left = max(limit - queueTime(at: now), limit / 5)
        rate = max(targetBitrate * configuration.pacingFactor, Double(queuedBytes) * 8 / left.inSeconds)
        if isStarting { rate = max(rate, configuration.startRate) }
    }
}
