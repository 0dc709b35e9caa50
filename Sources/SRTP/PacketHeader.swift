/// What SRTP needs to know of an RTP packet's header (RFC 3550 §5.1, §5.3.1).
struct RTPHeader {
    let sequenceNumber: UInt16
    let ssrc: UInt32
    /// The bytes of the fixed header, the contributing sources and the header extension: what stays plain.
    let length: Int

    /// The header of the packet `bytes[range]`; nil if that is not an RTP packet.
    init?(_ bytes: [UInt8], _ range: Range<Int>) {
        guard (12...65535).contains(range.count), bytes[range.lowerBound] >> 6 == 2 else { return nil }
        let start = range.lowerBound
        var length = 12 + 4 * Int(bytes[start] & 0x0F)
        if bytes[start] & 0x10 != 0 {
            guard range.count >= length + 4 else { return nil }
            length += 4 + 4 * (Int(bytes[start + length + 2]) << 8 | Int(bytes[start + length + 3]))
        }
        guard range.count >= length else { return nil }
        self.length = length
        sequenceNumber = UInt16(bytes[start + 2]) << 8 | UInt16(bytes[start + 3])
        ssrc = bytes.uint32(at: start + 8)
    }
}

/// What SRTCP needs to know of an RTCP packet's header (RFC 3550 §6.4.1).
struct RTCPHeader {
    /// The bytes that stay plain: the first packet's header and its sender's SSRC (RFC 3711 §3.4).
    static let length = 8

    let ssrc: UInt32

    /// The header of the compound packet `bytes[range]`; nil if that is not an RTCP packet.
    init?(_ bytes: [UInt8], _ range: Range<Int>) {
        guard (Self.length...65535).contains(range.count), bytes[range.lowerBound] >> 6 == 2 else { return nil }
        ssrc = bytes.uint32(at: range.lowerBound + 4)
    }
}

extension [UInt8] {
    func uint32(at index: Int) -> UInt32 {
        UInt32(self[index]) << 24 | UInt32(self[index + 1]) << 16 | UInt32(self[index + 2]) << 8
            | UInt32(self[index + 3])
    }
}

extension UnsafeMutableRawBufferPointer {
    /// The bytes in `range` as a buffer of their own.
    func slice(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer { .init(rebasing: self[range]) }
}
