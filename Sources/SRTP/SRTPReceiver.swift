import Wire

/// Checks and decrypts the SRTP and SRTCP packets of one direction.
public final class SRTPReceiver {
    /// The profile in use.
    public let profile: SRTPProtectionProfile

    private let rtp: PacketTransform
    private let rtcp: PacketTransform
    var rtpSources = SourceTable<ReplayWindow>()
    var rtcpSources = SourceTable<ReplayWindow>()

    /// A receiver with session keys derived from `masterKey`, whose lengths must be those of `profile`.
    public convenience init(profile: SRTPProtectionProfile, masterKey: SRTPMasterKey) {
        self.init(
            profile: profile, rtpKeys: SRTPSessionKeys(deriving: profile, from: masterKey, forRTCP: false),
            rtcpKeys: SRTPSessionKeys(deriving: profile, from: masterKey, forRTCP: true))
    }

    init(profile: SRTPProtectionProfile, rtpKeys: SRTPSessionKeys, rtcpKeys: SRTPSessionKeys) {
        self.profile = profile
        rtp = PacketTransform(profile, keys: rtpKeys, encrypts: false)
        rtcp = PacketTransform(profile, keys: rtcpKeys, encrypts: false)
    }

    /// Turns the SRTP packet `packet` into the RTP packet it protects, in place. When it throws, the bytes of `packet`
    /// are of no use any more.
    public func unprotectRTP(_ packet: inout [UInt8]) throws(SRTPError) {
        let end = packet.count - profile.rtpOverhead
        guard end > 0, let header = RTPHeader(packet, 0..<end) else { throw .malformed }
        let window = try window(of: header.ssrc, in: rtpSources)
        let index = PacketIndex.estimate(header.sequenceNumber, highest: window.highest)
        guard index < PacketIndex.end else { throw .keyExhausted }
        if let objection = window.objection(to: index) { throw objection }
        let isAuthentic = packet.withUnsafeMutableBytes { bytes in
            let payload = bytes.slice(header.length..<end)
            let tag = bytes.slice(end..<bytes.count)
            switch rtp {
            case .counterMode(let transform):
                guard
                    transform.verify(
                        UnsafeRawBufferPointer(bytes.slice(0..<end)),
                        rolloverCounter: UInt32(truncatingIfNeeded: index >> 16), tag: UnsafeRawBufferPointer(tag))
                else { return false }
                transform.crypt(payload, ssrc: header.ssrc, index: index)
                return true
            case .gcm(let transform):
                transform.start(
                    ssrc: header.ssrc, index: index,
                    associatedData: UnsafeRawBufferPointer(bytes.slice(0..<header.length)))
                return transform.open(payload, tag: tag)
            }
        }
        guard isAuthentic else { throw .authenticationFailed }
        Self.insert(index, of: header.ssrc, into: &rtpSources)
        packet.removeLast(profile.rtpOverhead)
    }

    /// Turns the SRTCP packet `packet` into the RTCP packet it protects, in place. When it throws, the bytes of
    /// `packet` are of no use any more.
    public func unprotectRTCP(_ packet: inout [UInt8]) throws(SRTPError) {
        let end = packet.count - profile.rtcpOverhead
        guard end > 0, let header = RTCPHeader(packet, 0..<end) else { throw .malformed }
        let wordStart = profile.isAEAD ? packet.count - 4 : end
        let word = packet.uint32(at: wordStart)
        let index = UInt64(word & 0x7FFF_FFFF)
        if let objection = try window(of: header.ssrc, in: rtcpSources).objection(to: index) { throw objection }
        // RFC 3711 §3.4: without the E flag the packet is authenticated, but not encrypted.
        let plainEnd = word & 0x8000_0000 == 0 ? end : RTCPHeader.length
        let isAuthentic = packet.withUnsafeMutableBytes { bytes in
            let secret = bytes.slice(plainEnd..<end)
            switch rtcp {
            case .counterMode(let transform):
                guard
                    transform.verify(
                        UnsafeRawBufferPointer(bytes.slice(0..<(end + 4))), rolloverCounter: nil,
                        tag: UnsafeRawBufferPointer(bytes.slice((end + 4)..<bytes.count)))
                else { return false }
                if !secret.isEmpty { transform.crypt(secret, ssrc: header.ssrc, index: index) }
                return true
            case .gcm(let transform):
                transform.start(
                    ssrc: header.ssrc, index: index,
                    associatedData: UnsafeRawBufferPointer(bytes.slice(0..<plainEnd)), trailer: word)
                return transform.open(secret, tag: bytes.slice(end..<wordStart))
            }
        }
        guard isAuthentic else { throw .authenticationFailed }
        Self.insert(index, of: header.ssrc, into: &rtcpSources)
        packet.removeLast(profile.rtcpOverhead)
    }

    /// The window of `ssrc`, a new one where the source is not known yet and there is room for it.
    private func window(
        of ssrc: UInt32, in sources: SourceTable<ReplayWindow>
    ) throws(SRTPError) -> ReplayWindow {
        if let position = sources.position(of: ssrc) { return sources[position] }
        guard !sources.isFull else { throw .tooManySources }
        return ReplayWindow()
    }

    /// Notes an authentic packet; only now a source gets a state, so that forged packets cannot fill the table.
    private static func insert(_ index: UInt64, of ssrc: UInt32, into sources: inout SourceTable<ReplayWindow>) {
        if let position = sources.position(of: ssrc) {
            sources[position].insert(index)
        } else {
            var window = ReplayWindow()
            window.insert(index)
            sources.append(ssrc, window)
        }
    }
}
