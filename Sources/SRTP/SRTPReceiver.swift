import Wire

/// Checks and decrypts the SRTP and SRTCP packets of one direction.
public final class SRTPReceiver {
    /// The profile in use.
    public let profile: SRTPProtectionProfile

    /// A receiver with session keys derived from `masterKey`, whose lengths must be those of `profile`.
    public init(profile: SRTPProtectionProfile, masterKey: SRTPMasterKey) {
        self.profile = profile
    }

    /// Turns the SRTP packet `packet` into the RTP packet it protects, in place. When it throws, the bytes of `packet` are
    /// of no use any more.
    public func unprotectRTP(_ packet: inout [UInt8]) throws(SRTPError) {
        throw .malformed
    }

    /// Turns the SRTCP packet `packet` into the RTCP packet it protects, in place. When it throws, the bytes of `packet`
    /// are of no use any more.
    public func unprotectRTCP(_ packet: inout [UInt8]) throws(SRTPError) {
        throw .malformed
    }
}
