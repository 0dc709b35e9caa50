import Wire

/// Protects the RTP and RTCP packets of one direction.
public final class SRTPSender {
    /// The profile in use.
    public let profile: SRTPProtectionProfile

    /// A sender with session keys derived from `masterKey`, whose lengths must be those of `profile`.
    public init(profile: SRTPProtectionProfile, masterKey: SRTPMasterKey) {
        self.profile = profile
    }

    /// Turns the RTP packet `buffer[start...]` into an SRTP packet: encrypts the payload in place and appends the tag
    /// (`profile.rtpOverhead` bytes; without an allocation where the buffer has the capacity). Leaves `buffer` untouched
    /// when it throws.
    public func protectRTP(_ buffer: inout [UInt8], from start: Int = 0) throws(SRTPError) {
        throw .malformed
    }

    /// Turns the compound or reduced-size RTCP packet `buffer[start...]` into an SRTCP packet: encrypts all but the first
    /// eight bytes in place and appends index and tag (`profile.rtcpOverhead` bytes). Leaves `buffer` untouched when it
    /// throws.
    public func protectRTCP(_ buffer: inout [UInt8], from start: Int = 0) throws(SRTPError) {
        throw .malformed
    }
}
