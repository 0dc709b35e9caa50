import Wire

/// How a pacer sends and how much it lets wait.
public struct PacerConfiguration: Hashable, Sendable {
    /// What is sent at, times the target rate. A frame of 1/30 s is then out in 13 ms, and the queue in the network stays
    /// short of a frame; with less, a key frame would wait for long behind its own average. libwebrtc's value.
    public var pacingFactor = 2.5
    /// What may leave together, as the time that the pacing rate needs for it. A frame between key frames, at the target
    /// rate and 30 a second, is out in one system call and waits for nothing, for it would wait in the network no longer
    /// than here; key frames and what has piled up are spread. Longer bursts are cheaper and rougher.
    public var burstInterval = Duration.milliseconds(15)
    /// What is sent at before anything is known of the path, in bit/s: the first picture is to be seen soon.
    public var startRate = 0.0
    /// What waits is to be gone after this time: it is sent faster than the pacing factor says, where it must be.
    public var queueTimeLimit = Duration.milliseconds(250)
    /// When something has waited for so long, whole frames of video are dropped until a key frame.
    public var maximumQueueTime = Duration.seconds(1)
    /// Bytes of video that wait at most; more is dropped as if it had waited for too long.
    public var maximumQueueBytes = 2_000_000
    /// When retransmissions would take longer than this at the target rate, nothing is repaired any more: a key frame is
    /// there sooner.
    public var maximumRepairTime = Duration.milliseconds(300)
    /// Retransmissions, and packets of sound, that wait at most.
    public var maximumQueuePackets = 512
    /// The greatest packet of padding that the owner can make, in bytes on the wire; 0 where he can make none, so that
    /// only media can probe.
    public var maximumPaddingSize = 0

    /// The defaults, to be changed by assignment.
    public init() {}
}

/// What leaves next.
public enum Departure<Payload: Sendable>: Sendable {
    /// A packet that was queued, and the probe cluster that it belongs to.
    case packet(Payload, ProbeCluster.ID?)
    /// A packet of padding, of this size in bytes on the wire or about it.
    case padding(Int, ProbeCluster.ID)
}

/// What became of a frame of video.
public enum FrameOutcome: Hashable, Sendable {
    /// It waits to leave.
    case queued
    /// It waits to leave, and frames before it were dropped: it is a key frame, and what left before them is of no use any
    /// more, so that it is not to be repaired.
    case queuedAnew
    /// It, and the frames that waited before it whole, were dropped, for they would be too late; and so will be those
    /// until a key frame that the pacer takes. Ask for one when `wantsKeyFrame`.
    case dropped
}

/// What a pacer sent and did not.
public struct PacerStatistics: Hashable, Sendable {
    /// Packets and bytes of one kind.
    public struct Count: Hashable, Sendable {
        /// Packets that left.
        public internal(set) var packets: UInt64 = 0
        /// Their bytes on the wire.
        public internal(set) var bytes: UInt64 = 0

        fileprivate mutating func add(_ size: Int) {
            packets += 1
            bytes += UInt64(size)
        }
    }

    @usableFromInline enum Kind { case audio, retransmissions, video, padding }

    @usableFromInline mutating func framesWereDropped(_ count: UInt64) { framesDropped += count }

    @usableFromInline mutating func packetsWereDropped(_ count: Int) { packetsDropped += UInt64(count) }

    @usableFromInline mutating func clusterEnded(wasSent: Bool) {
        if wasSent { clustersSent += 1 } else { clustersGivenUp += 1 }
    }

    @usableFromInline mutating func packetLeft(after delay: Duration) { totalPacketSendDelay += delay }

    @usableFromInline mutating func count(_ kind: Kind, _ size: Int) {
        switch kind {
        case .audio: audio.add(size)
        case .retransmissions: retransmissions.add(size)
        case .video: video.add(size)
        case .padding: padding.add(size)
        }
    }

    /// Sound.
    public internal(set) var audio = Count()
    /// Retransmissions.
    public internal(set) var retransmissions = Count()
    /// Video.
    public internal(set) var video = Count()
    /// Padding.
    public internal(set) var padding = Count()
    /// Frames of video that were dropped.
    public internal(set) var framesDropped: UInt64 = 0
    /// Packets of sound and retransmissions that were dropped, because too many waited or for too long.
    public internal(set) var packetsDropped: UInt64 = 0
    /// The time that all packets that left had waited (W3C: totalPacketSendDelay).
    public internal(set) var totalPacketSendDelay = Duration.zero
    /// Probe clusters that left at their rate.
    public internal(set) var clustersSent: UInt64 = 0
    /// Probe clusters that could not leave at their rate.
    public internal(set) var clustersGivenUp: UInt64 = 0

    /// Nothing yet.
    public init() {}
}
