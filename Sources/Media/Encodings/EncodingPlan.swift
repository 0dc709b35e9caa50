/// One of the at most two encodes of the same pictures.
public enum Encoding: String, CaseIterable, Hashable, Sendable {
    /// The one at the rate that most viewers bear.
    case main
    /// The one for those who bear much less than the others; made only while there are any.
    case low
}

/// What an encode is to produce.
public struct EncodingTarget: Hashable, Sendable {
    /// Bits a second.
    public var bitrate: Int
    /// Size and rate of the pictures.
    public var format: PictureFormat
    /// Whether the encoder is to do the least work that it can, however it is configured.
    public var leastEffort: Bool

    /// An encode of `format` in `bitrate` bits a second.
    public init(bitrate: Int, format: PictureFormat = .full, leastEffort: Bool = false) {
        self.bitrate = bitrate
        self.format = format
        self.leastEffort = leastEffort
    }
}

/// Who is sent what.
public struct EncodingPlan<Viewer: Hashable & Sendable>: Hashable, Sendable {
    /// The main encode; nil where nobody watches.
    public var main: EncodingTarget?
    /// The low encode; nil where nobody needs it.
    public var low: EncodingTarget?
    /// The encode for each viewer.
    public var encodings: [Viewer: Encoding]

    /// Nobody watches.
    public init() { encodings = [:] }

    /// What `encoding` is to produce; nil for nothing.
    public subscript(encoding: Encoding) -> EncodingTarget? {
        switch encoding {
        case .main: main
        case .low: low
        }
    }
}
