/// Why bytes are no STUN message (RFC 8489 §6.3).
public enum STUNError: Error, Hashable, Sendable {
    /// Fewer bytes than a header, or than the header's length tells.
    case truncated
    /// More bytes than the header's length tells.
    case trailingBytes
    /// The first two bits are set, or the magic cookie is missing: not STUN.
    case notSTUN
    /// The message length is no multiple of four.
    case misalignedLength
    /// An attribute reaches over the message's end.
    case truncatedAttribute(type: UInt16)
    /// An attribute's value has a wrong length or content.
    case malformedAttribute(type: UInt16)
    /// The FINGERPRINT is wrong: damaged, or a datagram of another protocol.
    case fingerprintMismatch
    /// An attribute comes after FINGERPRINT, which must be the last.
    case attributeAfterFingerprint
}
