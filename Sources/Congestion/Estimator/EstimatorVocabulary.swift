import Wire

/// A packet that arrived, as transport-wide feedback tells it (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
public struct PacketArrival: Hashable, Sendable {
    /// The transport-wide sequence number.
    public let number: UInt16
    /// When it arrived, in `tick`s of the receiver's clock, which wraps every 2³² of them.
    public let ticks: UInt32

    /// 250 µs.
    public static let tick = Duration.microseconds(250)

    /// The arrival of packet `number` at `ticks`.
    public init(number: UInt16, ticks: UInt32) {
        self.number = number
        self.ticks = ticks
    }
}

extension BandwidthEstimator {
    /// The bounds of the rate; all in bit/s.
    public struct Configuration: Hashable, Sendable {
        /// Never less than this, however little arrives: sound must pass.
        public var minimumBitrate = 50_000.0
        /// What is sent before anything was measured. The draft leaves it open; libwebrtc has 300 kbit/s.
        public var startBitrate = 300_000.0
        /// Never more than this.
        public var maximumBitrate = 100_000_000.0
        /// What the first packets leave at, whatever the start rate: they are the first probe. Nil to begin with probes of
        /// 3 and 6 times the start rate, as libwebrtc does. A key frame that leaves so fast is seen sooner, and its arrival
        /// tells what the path carries.
        public var firstProbeBitrate: Double?
        /// Bytes that may leave before the first feedback; nil for any number. Who never gets any waits for a second.
        public var initialWindow: Int?

        /// The defaults, to be changed by assignment.
        public init() {}
    }

    /// What the owner is to do or may want to know.
    public enum Output: Hashable, Sendable {
        /// What may be sent in all, headers and retransmissions included, in bit/s, is another.
        case targetBitrateChanged(Double)
        /// The delay says something else (draft-ietf-rmcat-gcc-02 §5.4).
        case usageChanged(BandwidthUsage)
        /// Packets are to leave at this rate, padding where there is nothing else.
        case probe(ProbeCluster)
    }

    /// What holds the rate where it is.
    public enum Limitation: Hashable, Sendable {
        /// The delay (§5), or that nothing more was tried yet.
        case delay
        /// Losses (§6).
        case loss
        /// The receiver's estimate (draft-alvestrand-rmcat-remb-03).
        case receiver
        /// The configuration.
        case configuration
    }

    /// What was taken and what was not.
    public struct Statistics: Hashable, Sendable {
        /// Feedback messages with something new in them.
        public internal(set) var feedbackMessages: UInt64 = 0
        /// Packets that arrived.
        public internal(set) var packetsAcknowledged: UInt64 = 0
        /// Packets that had not arrived when a later one had.
        public internal(set) var packetsLost: UInt64 = 0
        /// Of these, packets that arrived after all.
        public internal(set) var packetsRecovered: UInt64 = 0
        /// Arrivals of packets that were never sent, or so long ago that nobody knows: discarded.
        public internal(set) var unknownArrivals: UInt64 = 0
        /// Arrivals that were told before: discarded.
        public internal(set) var repeatedArrivals: UInt64 = 0
        /// Arrivals at times that cannot be, or before they were sent: discarded.
        public internal(set) var implausibleArrivals: UInt64 = 0
        /// Times the receiver's clock jumped, after which delays are measured anew.
        public internal(set) var clockJumps: UInt64 = 0
        /// Times no feedback came for so long that the rate was halved.
        public internal(set) var feedbackTimeouts: UInt64 = 0
        /// Probe clusters that were asked for.
        public internal(set) var probesSent: UInt64 = 0
        /// Probe clusters whose rate was measured to be more than the estimate.
        public internal(set) var probesSucceeded: UInt64 = 0
    }
}
