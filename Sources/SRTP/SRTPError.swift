/// Why a packet was not protected or not accepted. The state of the sender or receiver is as it was before the packet.
public enum SRTPError: Error, Hashable, Sendable {
    /// The bytes are not an RTP packet, an RTCP packet, or too short to have been protected.
    case malformed
    /// The tag does not fit the packet: forged, damaged, or protected with other keys.
    case authenticationFailed
    /// The packet has been received before.
    case replayed
    /// The packet is so far behind the newest that the replay window cannot tell whether it was received before.
    case tooOld
    /// A packet with this SSRC and sequence number has been sent, or the number lies too far back to know. Sending two
    /// different packets under one index would give away the keystream, and with GCM the authentication key
    /// (RFC 7714 §8.1), so to repeat a packet keep what `protectRTP` made of it, or use RTX (RFC 4588).
    case indexReused
    /// The key has protected all the packets it may (2⁴⁸ SRTP or 2³¹ SRTCP packets, RFC 3711 §9.2).
    case keyExhausted
    /// The peer has sent from more sources than a receiver keeps the state of.
    case tooManySources
}
