extension SessionDescription {
    /// The longest description that is read, in bytes.
    public static let maximumLength = 65536

    /// Reads a description as browsers write and accept them: lines may end with LF alone, and what is unknown is kept
    /// (attributes) or passed over (other lines).
    public init(parsing text: String) throws(SDPError) {
        throw SDPError(line: 1, reason: .malformedLine)
    }
}

extension TrickleFragment {
    /// Reads a fragment.
    public init(parsing text: String) throws(SDPError) {
        throw SDPError(line: 1, reason: .malformedLine)
    }
}

extension H264Parameters {
    /// Reads the parameters of `codec`; nil where it is not H.264 or its `profile-level-id` or `packetization-mode` is
    /// none that there is. The defaults are RFC 6184's: Baseline, level 1, mode 0, no asymmetry.
    public init?(_ codec: RTPCodec) { nil }

    /// The value of `profile-level-id`: `42e01f`.
    public var profileLevelID: String { "" }

    /// What to answer to the offer `offered` when these are our own parameters (RFC 6184 §8.2.2): the same profile and
    /// packetisation mode, and the highest level at which we may be sent to. Nil where the two do not go together.
    public func answer(to offered: H264Parameters) -> H264Parameters? { nil }

    /// The highest level of what we may send to a peer with the parameters `remote`, once answered; ours are these.
    public func sendLevel(to remote: H264Parameters) -> H264Level { level }

    /// The format parameters that say this.
    public var formatParameters: [FormatParameter] { [] }
}

extension H264Profile {
    /// Whether a decoder of this profile decodes every stream of `stream`'s.
    public func decodes(_ stream: H264Profile) -> Bool { false }
}
