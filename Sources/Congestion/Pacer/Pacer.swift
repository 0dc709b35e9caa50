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
    public var configuration: PacerConfiguration {
        didSet {
            burstSeconds = configuration.burstInterval.inSeconds
            queueSeconds = configuration.queueTimeLimit.inSeconds
        }
    }
    /// What was sent and what was not.
    @inlinable public var statistics: PacerStatistics { counts }
    /// Whether frames of video are dropped until a key frame.
    @inlinable public var isDropping: Bool { drops }

    // Generic code is made for its payload where it is used, in another module: that has to see all of it.
    @usableFromInline var counts = PacerStatistics()
    @usableFromInline var drops = false
    @usableFromInline var burstSeconds: Double
    @usableFromInline var queueSeconds: Double
    @usableFromInline var audio = PacketQueue<Payload>()
    @usableFromInline var retransmissions = PacketQueue<Payload>()
    @usableFromInline var video = PacketQueue<Payload>()
    @usableFromInline var probes: [ProbeSending] = []
    @usableFromInline var targetBitrate: Double
    /// Bytes that may leave before the next feedback.
    @usableFromInline var allowance = Int.max
    /// Bytes that left before their time, and when that was so.
    @usableFromInline var debt = 0.0
    @usableFromInline var settled = Instant.zero
    /// bit/s
    @usableFromInline var rate: Double
    /// When the packets that leave together began to.
    @usableFromInline var burstStarted: Instant?
    @usableFromInline var nextFrame: UInt64 = 1
    /// Whether nothing is known of the path yet.
    @usableFromInline var isStarting = true
    /// The frame of which a part has left.
    @usableFromInline var frameBegun: UInt64?

    @inlinable static var maximumProbes: Int { 4 }
    /// Sound that does not wait may take no more than this from what follows.
    @inlinable static var maximumDebtSeconds: Double { 0.5 }

    /// A pacer that begins with a target of `bitrate`, in bit/s.
    @inlinable
    public init(bitrate: Double, configuration: PacerConfiguration = PacerConfiguration()) {
        precondition(bitrate > 0 && configuration.pacingFactor >= 1, "a pacer sends")
        self.configuration = configuration
        burstSeconds = configuration.burstInterval.inSeconds
        queueSeconds = configuration.queueTimeLimit.inSeconds
        targetBitrate = bitrate
        rate = bitrate * configuration.pacingFactor
    }

    // MARK: What is known

    /// Packets that wait.
    @inlinable
    public var queuedPackets: Int { audio.count + retransmissions.count + video.count }

    /// Bytes that wait.
    @inlinable
    public var queuedBytes: Int { audio.bytes + retransmissions.bytes + video.bytes }

    /// For how long the first packet of video has waited; zero where none waits.
    @inlinable
    public func queueTime(at now: Instant) -> Duration {
        video.first.map { now - $0.queued } ?? .zero
    }

    /// Whether more is in flight than the path should hold: only sound leaves until feedback comes.
    @inlinable
    public var isCongested: Bool { allowance <= 0 }

    /// Whether a key frame is needed and would leave soon. While the path is blocked there is none to be asked for: it
    /// would be dropped, too, and cost the other viewers of the same encoder.
    @inlinable
    public var wantsKeyFrame: Bool { isDropping && !isCongested && video.isEmpty }

    /// When to call `nextDeparture` again; nil while nothing can leave by time alone.
    @inlinable
    public var deadline: Instant? {
        if !audio.isEmpty { return settled }
        guard !isCongested else { return nil }
        // while a cluster probes, everything waits for its turn in it
        if let probe = probes.first, canFill { return max(probe.due ?? settled, settled) }
        guard !retransmissions.isEmpty || !video.isEmpty else { return nil }
        return settled + .nanoseconds(debt > 0 ? Int64((debt * 8e9 / rate).rounded(.up)) + 1 : 0)
    }

    @inlinable
    var canFill: Bool { configuration.maximumPaddingSize > 0 || !retransmissions.isEmpty || !video.isEmpty }

    // MARK: What comes in

    /// Takes the rate and the room in the network from the estimator.
    @inlinable
    public mutating func follow(_ estimator: BandwidthEstimator, at now: Instant) {
        settle(at: now)
        targetBitrate = estimator.targetBitrate
        if estimator.isInformed, video.isEmpty, statistics.video.packets > 0 { isStarting = false }
        let window = estimator.congestionWindow
        allowance = window == .max ? .max : window - estimator.bytesInFlight
        chooseRate(at: now)
    }

    /// Sends packets at the cluster's rate, as soon as there are some.
    @inlinable
    public mutating func probe(_ cluster: ProbeCluster) {
        guard probes.count < Self.maximumProbes else {
            counts.clusterEnded(wasSent: false)
            return
        }
        probes.append(ProbeSending(cluster))
    }

    /// Queues a packet of sound, of `size` bytes on the wire.
    @inlinable
    public mutating func enqueueAudio(_ payload: Payload, size: Int, at now: Instant) {
        settle(at: now)
        if audio.count >= configuration.maximumQueuePackets {
            audio.removeFirst()
            counts.packetsWereDropped(1)
        }
        audio.append(QueuedPacket(payload: payload, size: size, queued: now, frame: 0))
    }

    /// Queues a retransmission, of `size` bytes on the wire. Where too many wait it is dropped: who needs it asks again. And
    /// where a key frame is waited for, or is there sooner than all that waits, nothing is repaired.
    @inlinable
    public mutating func enqueueRetransmission(_ payload: Payload, size: Int, at now: Instant) {
        settle(at: now)
        guard !isDropping, retransmissions.count < configuration.maximumQueuePackets else {
            counts.packetsWereDropped(1)
            return
        }
        retransmissions.append(QueuedPacket(payload: payload, size: size, queued: now, frame: 0))
        if takesTooLong(retransmissions.bytes, configuration.maximumRepairTime) {
            dropRepairs()
            dropWaiting()
            drops = true
        }
        chooseRate(at: now)
    }

    @inlinable
    func takesTooLong(_ bytes: Int, _ limit: Duration) -> Bool {
        Double(bytes) * 8 > targetBitrate * limit.inSeconds
    }

    @inlinable
    mutating func dropRepairs() {
        counts.packetsWereDropped(retransmissions.count)
        retransmissions = PacketQueue()
    }

    /// Queues the `count` packets of a frame of video, whole or not at all. `packet` says what stands for each, and its
    /// bytes on the wire. Of a frame that comes in parts only one `isFirst`, and the others share its fate.
    @inlinable
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
        var outcome = FrameOutcome.queued
        if isDropping {
            // one that comes unasked while the path is blocked waits: the encoder makes the next one only after a while
            guard isKeyFrame else { return drop(1) }
            drops = false
            outcome = .queuedAnew
        } else if isKeyFrame, !video.isEmpty,
            queueTime(at: now) > configuration.queueTimeLimit
                || takesTooLong(video.bytes, configuration.queueTimeLimit)
        {
            // what waits is late, or will be, and from here on nobody needs it
            dropWaiting()
            outcome = .queuedAnew
        }
        if queueTime(at: now) > configuration.maximumQueueTime || video.bytes > configuration.maximumQueueBytes {
            dropWaiting()
            drops = true
            return drop(1)
        }
        if outcome == .queuedAnew { dropRepairs() }
        nextFrame += 1
        enqueue(count, of: nextFrame - 1, at: now, packet)
        return outcome
    }

    @inlinable
    mutating func enqueue(
        _ count: Int, of frame: UInt64, at now: Instant, _ packet: (Int) -> (payload: Payload, size: Int)
    ) {
        for index in 0..<count {
            let (payload, size) = packet(index)
            video.append(QueuedPacket(payload: payload, size: size, queued: now, frame: frame))
        }
        chooseRate(at: now)
    }

    @inlinable
    mutating func drop(_ frames: UInt64) -> FrameOutcome {
        counts.framesWereDropped(frames)
        return .dropped
    }

    /// Drops the frames of which nothing has left.
    @inlinable
    mutating func dropWaiting() {
        guard let first = video.first else { return }
        let begun = first.frame == frameBegun ? frameBegun : nil
        let dropped = begun.map { $0 + 1 } ?? first.frame
        counts.framesWereDropped(nextFrame - dropped)
        nextFrame = dropped
        video.removeLast(after: begun)
    }

    /// Forgets what waits: there is no way for it any more. Video goes on with a key frame.
    @inlinable
    public mutating func removeAll() {
        guard queuedPackets > 0 else { return }
        if !video.isEmpty {
            counts.framesWereDropped(nextFrame - (video.first?.frame ?? nextFrame))
            drops = true
        }
        counts.packetsWereDropped(audio.count + retransmissions.count)
        (audio, retransmissions, video) = (PacketQueue(), PacketQueue(), PacketQueue())
    }

    // MARK: What goes out

    /// The next packet to leave now; nil while none may.
    @inlinable
    public mutating func nextDeparture(at now: Instant) -> Departure<Payload>? {
        settle(at: now)
        while let probe = probes.first, probe.isComplete || isCongested || probe.isLate(at: now) {
            counts.clusterEnded(wasSent: probe.isComplete)
            probes.removeFirst()
        }
        if let packet = audio.removeFirst() {
            // sound begins no cluster: nothing would follow it at the cluster's rate
            return depart(packet, .audio, in: probes.first.flatMap { $0.hasStarted ? $0.cluster.id : nil }, at: now)
        }
        guard !isCongested else { return nil }
        while let first = retransmissions.first, now - first.queued > configuration.maximumQueueTime {
            retransmissions.removeFirst()
            counts.packetsWereDropped(1)
        }
        if !probes.isEmpty, canFill {
            guard probes[0].mayDepart(at: now) else { return nil }
            return departMedia(in: probes[0].cluster.id, at: now) ?? pad(probes[0], at: now)
        }
        guard mayDepart(at: now) else { return nil }
        return departMedia(in: nil, at: now)
    }

    @inlinable
    mutating func mayDepart(at now: Instant) -> Bool {
        if debt == 0 {
            burstStarted = now
            return true
        }
        return burstStarted == now && debt * 8 < rate * burstSeconds
    }

    @inlinable
    mutating func departMedia(in cluster: ProbeCluster.ID?, at now: Instant) -> Departure<Payload>? {
        if let packet = retransmissions.removeFirst() { return depart(packet, .retransmissions, in: cluster, at: now) }
        guard let packet = video.removeFirst() else { return nil }
        frameBegun = packet.frame
        return depart(packet, .video, in: cluster, at: now)
    }

    @inlinable
    mutating func depart(
        _ packet: QueuedPacket<Payload>, _ kind: PacerStatistics.Kind, in cluster: ProbeCluster.ID?, at now: Instant
    ) -> Departure<Payload> {
        counts.packetLeft(after: now - packet.queued)
        account(packet.size, kind, at: now)
        return .packet(packet.payload, cluster)
    }

    @inlinable
    mutating func pad(_ probe: ProbeSending, at now: Instant) -> Departure<Payload>? {
        guard configuration.maximumPaddingSize > 0 else { return nil }
        account(configuration.maximumPaddingSize, .padding, at: now)
        return .padding(configuration.maximumPaddingSize, probe.cluster.id)
    }

    @inlinable
    mutating func account(_ size: Int, _ kind: PacerStatistics.Kind, at now: Instant) {
        counts.count(kind, size)
        if !probes.isEmpty, kind != .audio || probes[0].hasStarted { probes[0].departed(size, at: now) }
        if allowance != .max { allowance -= size }
        debt = min(debt + Double(size), rate / 8 * Self.maximumDebtSeconds)
    }

    // MARK: The bucket

    /// Lets the bucket leak until now.
    @inlinable
    mutating func settle(at now: Instant) {
        guard now > settled else { return }
        debt = max(debt - rate / 8 * now.seconds(since: settled), 0)
        settled = now
    }

    /// The rate at which it leaks until something else comes: the pacing factor's, or what empties the queue in time.
    @inlinable
    mutating func chooseRate(at now: Instant) {
        let waited = video.first.map { now.seconds(since: $0.queued) } ?? 0
        let left = max(queueSeconds - waited, queueSeconds / 5)
        rate = max(targetBitrate * configuration.pacingFactor, Double(queuedBytes) * 8 / left)
        if isStarting { rate = max(rate, configuration.startRate) }
    }
}
