/// A payload type and what it stands for: `a=rtpmap`, `a=fmtp` and `a=rtcp-fb` (RFC 8866 §6.6 and §6.15, RFC 4585
/// §4.2).
public struct RTPCodec: Hashable, Sendable {
    /// The number in RTP packets, 0…127.
    public var payloadType: UInt8
    /// The encoding name, as written; compare it with `isNamed`.
    public var name: String
    /// The RTP timestamp's clock rate in hertz.
    public var clockRate: UInt32
    /// The channels of audio; nil where not given, which stands for one.
    public var channels: UInt8?
    /// The format parameters, in order.
    public var parameters: [FormatParameter]
    /// The RTCP feedback that a receiver may send about it, in order.
    public var feedback: [RTCPFeedback]

    /// A codec with the given fields.
    public init(
        payloadType: UInt8, name: String, clockRate: UInt32, channels: UInt8? = nil,
        parameters: [FormatParameter] = [], feedback: [RTCPFeedback] = []
    ) {
        self.payloadType = payloadType
        self.name = name
        self.clockRate = clockRate
        self.channels = channels
        self.parameters = parameters
        self.feedback = feedback
    }

    /// Whether the encoding's name is `other`; letter case does not matter (RFC 4855 §3).
    public func isNamed(_ other: String) -> Bool {
        name.lowercased() == other.lowercased()
    }

    /// The value of the format parameter `name` (in any case of letters); nil where it is absent or has none.
    public func parameter(_ name: String) -> String? {
        parameters.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The payload type whose packets this RTX codec repeats (`apt`, RFC 4588 §8.1).
    public var associatedPayloadType: UInt8? {
        parameter("apt").flatMap { UInt8($0) }.flatMap { $0 < 128 ? $0 : nil }
    }
}

/// One part of an `a=fmtp` value.
public struct FormatParameter: Hashable, Sendable {
    /// What stands before the equals sign.
    public var name: String
    /// What stands after it; nil where there is none (`0-15` of telephone-event).
    public var value: String?

    /// The parameter `name=value`, or just `name`.
    public init(_ name: String, _ value: String? = nil) {
        self.name = name
        self.value = value
    }
}

/// An `a=rtcp-fb` value (RFC 4585 §4.2).
public struct RTCPFeedback: Hashable, Sendable {
    /// `nack`, `ccm`, `goog-remb`, `transport-cc`, …
    public var type: String
    /// `pli`, `fir`, …
    public var parameter: String?

    /// The feedback `type parameter`.
    public init(_ type: String, _ parameter: String? = nil) {
        self.type = type
        self.parameter = parameter
    }

    /// Generic NACK (RFC 4585 §6.2.1).
    public static let nack = RTCPFeedback("nack")
    /// Picture loss indication (RFC 4585 §6.3.1).
    public static let pictureLossIndication = RTCPFeedback("nack", "pli")
    /// Full intra request (RFC 5104 §4.3.1).
    public static let fullIntraRequest = RTCPFeedback("ccm", "fir")
    /// Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb).
    public static let remb = RTCPFeedback("goog-remb")
    /// Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions).
    public static let transportCC = RTCPFeedback("transport-cc")
}
