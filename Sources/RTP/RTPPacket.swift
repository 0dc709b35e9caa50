import Wire

/// The fixed header of an RTP packet with its contributing sources (RFC 3550 §5.1).
///
/// ```
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|X|  CC   |M|     PT      |       sequence number         |
/// |                           timestamp                           |
/// |                             SSRC                              |
/// |                    CSRC (CC of them) …                        |
/// |      0xBEDE / 0x100…          |  length in words              |
/// |                    extension elements …                       |
/// ```
public struct RTPHeader: Hashable, Sendable {
    /// Marks the last packet of a video frame (RFC 6184 §5.1) or the first of a talkspurt (RFC 3551 §4.1).
    public var marker: Bool
    /// What the payload is.
    public var payloadType: PayloadType
    /// One more than the packet before.
    public var sequenceNumber: SequenceNumber
    /// When the payload's first sample was taken, in the payload's clock.
    public var timestamp: RTPTimestamp
    /// The stream.
    public var ssrc: SSRC
    /// The streams that a mixer made this of, at most 15.
    public var contributingSources: [SSRC]

    /// A header with these fields.
    public init(
        marker: Bool, payloadType: PayloadType, sequenceNumber: SequenceNumber, timestamp: RTPTimestamp, ssrc: SSRC,
        contributingSources: [SSRC] = []
    ) {
        precondition(contributingSources.count <= 15, "the CSRC count has four bits")
        self.marker = marker
        self.payloadType = payloadType
        self.sequenceNumber = sequenceNumber
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.contributingSources = contributingSources
    }

    /// Appends the header, with the values of `extensions` that `map` has identifiers for.
    public func write(
        to buffer: inout [UInt8], extensions: HeaderExtensionValues = HeaderExtensionValues(),
        map: HeaderExtensionMap = HeaderExtensionMap()
    ) {
        let start = buffer.count
        writeFixed(to: &buffer)
        if extensions.write(to: &buffer, map: map) { buffer[start] |= 0x10 }
    }

    /// The same, where most packets' extensions are like those of the one before, which `block` remembers.
    func write(
        to buffer: inout [UInt8], extensions: HeaderExtensionValues, map: HeaderExtensionMap,
        like block: inout HeaderExtensionBlock
    ) {
        let start = buffer.count
        writeFixed(to: &buffer)
        if block.write(extensions, map: map, to: &buffer) { buffer[start] |= 0x10 }
    }

    private func writeFixed(to buffer: inout [UInt8]) {
        buffer.append(0x80 | UInt8(contributingSources.count))
        buffer.append((marker ? 0x80 : 0) | payloadType.rawValue)
        buffer.append(uint16: sequenceNumber.rawValue)
        buffer.append(uint32: timestamp.rawValue)
        buffer.append(uint32: ssrc.rawValue)
        for source in contributingSources { buffer.append(uint32: source.rawValue) }
    }
}

/// Why a datagram is not an RTP packet.
public enum RTPError: Error, Hashable, Sendable {
    /// It ends within the header, the contributing sources or the extension.
    case truncated
    /// The version is not 2.
    case version
    /// The padding is longer than the payload, or zero (RFC 3550 §5.1).
    case padding
}

/// A received RTP packet: its header and its payload as a slice of the datagram.
public struct RTPPacket: Hashable, Sendable {
    /// The fixed header.
    public let header: RTPHeader
    /// The 16 bits that say how `extensionBytes` are laid out; 0 without an extension.
    public let extensionProfile: UInt16
    /// The header extension's data, a slice of the datagram.
    public let extensionBytes: ArraySlice<UInt8>
    /// What it carries, without padding, a slice of the datagram.
    public let payload: ArraySlice<UInt8>
    /// The bytes of the packet that are not payload: header, extension and padding.
    public let headerBytes: Int

    /// Parses one (decrypted) datagram.
    public init(_ datagram: ArraySlice<UInt8>) throws(RTPError) {
        guard let first = datagram.first else { throw .truncated }
        guard first >> 6 == 2 else { throw .version }
        var reader = ByteReader(datagram.dropFirst())
        do throws(ByteReader.Truncated) {
            let second = try reader.uint8()
            let sequenceNumber = SequenceNumber(try reader.uint16())
            let timestamp = RTPTimestamp(try reader.uint32())
            let ssrc = SSRC(try reader.uint32())
            var sources: [SSRC] = []
            for _ in 0..<(first & 0xF) { sources.append(SSRC(try reader.uint32())) }
            header = RTPHeader(
                marker: second & 0x80 != 0, payloadType: PayloadType(secondByte: second),
                sequenceNumber: sequenceNumber, timestamp: timestamp, ssrc: ssrc, contributingSources: sources)
            if first & 0x10 != 0 {
                extensionProfile = try reader.uint16()
                extensionBytes = try reader.slice(Int(try reader.uint16()) * 4)
            } else {
                extensionProfile = 0
                extensionBytes = datagram.prefix(0)
            }
        } catch {
            throw .truncated
        }
        let rest = reader.rest()
        if first & 0x20 != 0 {
            // §5.1: the last octet counts the padding "including itself".
            guard let padding = rest.last, padding > 0, Int(padding) <= rest.count else { throw .padding }
            payload = rest.dropLast(Int(padding))
        } else {
            payload = rest
        }
        headerBytes = datagram.count - payload.count
    }

    /// A packet of these parts, without a header extension; `headerBytes` where the packet that it was taken from had
    /// more than its header has.
    public init(header: RTPHeader, payload: ArraySlice<UInt8>, headerBytes: Int? = nil) {
        self.header = header
        self.payload = payload
        self.headerBytes = headerBytes ?? 12 + 4 * header.contributingSources.count
        extensionProfile = 0
        extensionBytes = payload.prefix(0)
    }

    /// The elements of the header extension (RFC 8285).
    public var extensionElements: HeaderExtensionElements {
        HeaderExtensionElements(profile: extensionProfile, bytes: extensionBytes)
    }

    /// The data of the element that `kind` has in this packet; nil where it has none. Allocates nothing.
    public func element(_ kind: HeaderExtension, _ map: HeaderExtensionMap) -> ArraySlice<UInt8>? {
        guard !extensionBytes.isEmpty, let identifier = map[kind] else { return nil }
        for element in extensionElements where element.identifier == identifier { return element.bytes }
        return nil
    }

    /// The packet's number over all streams of its transport; nil where it has none.
    public func transportSequenceNumber(_ map: HeaderExtensionMap) -> UInt16? {
        // version 2 of the extension appends a feedback request of two bytes
        guard let bytes = element(.transportSequenceNumber, map), bytes.count == 2 || bytes.count == 4 else {
            return nil
        }
        var reader = ByteReader(bytes)
        return try? reader.uint16()
    }

    /// How loud the packet's sound is (RFC 6464); nil where it does not say.
    public func audioLevel(_ map: HeaderExtensionMap) -> AudioLevel? {
        guard let bytes = element(.audioLevel, map), bytes.count == 1 else { return nil }
        return bytes.first.map(AudioLevel.init(byte:))
    }

    /// The values of those extensions that `map` knows.
    public func extensionValues(_ map: HeaderExtensionMap) -> HeaderExtensionValues {
        HeaderExtensionValues(extensionElements, map: map)
    }
}
