import Wire

/// Protects the RTP and RTCP packets of one direction.
public final class SRTPSender {
    /// The profile in use.
    public let profile: SRTPProtectionProfile

    /// Zeros, as many as a tag has bytes.
    private let tagRoom: [UInt8]
    private let rtp: PacketTransform
    private let rtcp: PacketTransform
    var rtpSources = SourceTable<ReplayWindow>()
    /// The index of each source's next RTCP packet.
    var rtcpSources = SourceTable<UInt32>()

    /// A sender with session keys derived from `masterKey`, whose lengths must be those of `profile`.
    public convenience init(profile: SRTPProtectionProfile, masterKey: SRTPMasterKey) {
        self.init(
            profile: profile, rtpKeys: SRTPSessionKeys(deriving: profile, from: masterKey, forRTCP: false),
            rtcpKeys: SRTPSessionKeys(deriving: profile, from: masterKey, forRTCP: true))
    }

    init(profile: SRTPProtectionProfile, rtpKeys: SRTPSessionKeys, rtcpKeys: SRTPSessionKeys) {
        self.profile = profile
        tagRoom = Array(repeating: 0, count: profile.rtpOverhead)
        rtp = PacketTransform(profile, keys: rtpKeys, encrypts: true)
        rtcp = PacketTransform(profile, keys: rtcpKeys, encrypts: true)
    }

    /// Appends the room that the tag of an RTP packet takes.
    public func appendTagRoom(to buffer: inout [UInt8]) {
        buffer.append(contentsOf: tagRoom)
    }

    /// Turns the RTP packet `buffer[start...]` into an SRTP packet: encrypts the payload in place and appends the tag
    /// (`profile.rtpOverhead` bytes; without an allocation where the buffer has the capacity). Leaves `buffer`
    /// untouched when it throws.
    public func protectRTP(_ buffer: inout [UInt8], from start: Int = 0) throws(SRTPError) {
        guard let header = RTPHeader(buffer, start..<buffer.count) else { throw .malformed }
        let index = try claim(header)
        appendTagRoom(to: &buffer)
        protect(&buffer, start..<buffer.count, header, index: index)
    }

    /// The same for packets that have room for the tag at their ends: a burst is written first and protected then, so
    /// that the one work does not drive the other's code out of the processor's cache for every packet. Where one cannot
    /// be protected it throws, and leaves that and those behind it untouched.
    public func protectRTP(_ packets: [Range<Int>], in buffer: inout [UInt8]) throws(SRTPError) {
        for packet in packets {
            guard packet.count >= profile.rtpOverhead,
                let header = RTPHeader(buffer, packet.lowerBound..<(packet.upperBound - profile.rtpOverhead))
            else { throw .malformed }
            protect(&buffer, packet, header, index: try claim(header))
        }
    }

    /// Protects a packet that was protected before once more, for a peer that asks for it and has negotiated no RTX:
    /// the result is the same, byte for byte. The caller vouches that the packet is the same too, header extensions
    /// included; another one under this index would give AES-GCM's authentication key away (RFC 7714 §9.1). Throws
    /// `.tooOld` where the index was not used lately.
    public func protectRTPAgain(_ buffer: inout [UInt8], from start: Int = 0) throws(SRTPError) {
        guard let header = RTPHeader(buffer, start..<buffer.count) else { throw .malformed }
        guard let position = rtpSources.position(of: header.ssrc) else { throw .tooOld }
        let index = PacketIndex.estimate(header.sequenceNumber, highest: rtpSources[position].highest)
        guard rtpSources[position].objection(to: index) == .replayed else { throw .tooOld }
        appendTagRoom(to: &buffer)
        protect(&buffer, start..<buffer.count, header, index: index)
    }

    /// `packet` ends with the tag's room.
    private func protect(_ buffer: inout [UInt8], _ packet: Range<Int>, _ header: RTPHeader, index: UInt64) {
        let (start, end) = (packet.lowerBound, packet.upperBound - profile.rtpOverhead)
        buffer.withUnsafeMutableBytes { bytes in
            let plain = bytes.slice(start..<(start + header.length))
            let payload = bytes.slice((start + header.length)..<end)
            let tag = bytes.slice(end..<packet.upperBound)
            switch rtp {
            case .counterMode(let transform):
                transform.crypt(payload, ssrc: header.ssrc, index: index)
                transform.authenticate(
                    UnsafeRawBufferPointer(bytes.slice(start..<end)),
                    rolloverCounter: UInt32(truncatingIfNeeded: index >> 16), tag: tag)
            case .gcm(let transform):
                transform.start(ssrc: header.ssrc, index: index, associatedData: UnsafeRawBufferPointer(plain))
                transform.seal(payload, tag: tag)
            }
        }
    }

    /// Turns the compound or reduced-size RTCP packet `buffer[start...]` into an SRTCP packet: encrypts all but the
    /// first eight bytes in place and appends index and tag (`profile.rtcpOverhead` bytes). Leaves `buffer` untouched
    /// when it throws.
    public func protectRTCP(_ buffer: inout [UInt8], from start: Int = 0) throws(SRTPError) {
        guard let header = RTCPHeader(buffer, start..<buffer.count) else { throw .malformed }
        let index = try claim(header)
        let word = 0x8000_0000 | index
        let end = buffer.count
        let plainEnd = start + RTCPHeader.length
        switch rtcp {
        case .counterMode(let transform):
            buffer.append(uint32: word)
            buffer.appendZeros(profile.rtcpTagLength)
            buffer.withUnsafeMutableBytes { bytes in
                transform.crypt(bytes.slice(plainEnd..<end), ssrc: header.ssrc, index: UInt64(index))
                transform.authenticate(
                    UnsafeRawBufferPointer(bytes.slice(start..<(end + 4))), rolloverCounter: nil,
                    tag: bytes.slice((end + 4)..<bytes.count))
            }
        case .gcm(let transform):
            buffer.appendZeros(profile.rtcpTagLength)
            buffer.withUnsafeMutableBytes { bytes in
                transform.start(
                    ssrc: header.ssrc, index: UInt64(index),
                    associatedData: UnsafeRawBufferPointer(bytes.slice(start..<plainEnd)), trailer: word)
                transform.seal(bytes.slice(plainEnd..<end), tag: bytes.slice(end..<bytes.count))
            }
            buffer.append(uint32: word)
        }
    }

    /// The index of the RTP packet with `header`, which from now on counts as sent.
    private func claim(_ header: RTPHeader) throws(SRTPError) -> UInt64 {
        guard let position = rtpSources.position(of: header.ssrc) else {
            var window = ReplayWindow()
            window.insert(UInt64(header.sequenceNumber))
            rtpSources.append(header.ssrc, window)
            return UInt64(header.sequenceNumber)
        }
        let index = PacketIndex.estimate(header.sequenceNumber, highest: rtpSources[position].highest)
        guard index < PacketIndex.end else { throw .keyExhausted }
        guard rtpSources[position].objection(to: index) == nil else { throw .indexReused }
        rtpSources[position].insert(index)
        return index
    }

    /// The SRTCP index of the next packet of the source in `header`, which from now on counts as sent.
    private func claim(_ header: RTCPHeader) throws(SRTPError) -> UInt32 {
        guard let position = rtcpSources.position(of: header.ssrc) else {
            rtcpSources.append(header.ssrc, 1)
            return 0
        }
        let index = rtcpSources[position]
        guard index < 0x8000_0000 else { throw .keyExhausted }
        rtcpSources[position] = index + 1
        return index
    }
}

extension [UInt8] {
    /// Appends `count` zeros.
    mutating func appendZeros(_ count: Int) {
        append(contentsOf: repeatElement(0, count: count))
    }
}
