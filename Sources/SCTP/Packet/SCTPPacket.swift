import Wire

/// A packet: the common header and its chunks (RFC 9260 §3).
///
/// ```
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |      Source Port Number       |    Destination Port Number    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                       Verification Tag                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                           Checksum                            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
struct SCTPPacket: Hashable, Sendable {
    /// Why bytes are no packet.
    enum ParsingError: Error, Hashable, Sendable {
        /// It ends within the header, or holds no chunk.
        case truncated
        case wrongChecksum
        /// A chunk or parameter whose length or content breaks the rules.
        case malformedChunk
    }

    static let headerSize = 12
    private static let checksumRange = 8..<12

    var sourcePort: UInt16
    var destinationPort: UInt16
    var verificationTag: UInt32
    var chunks: [SCTPChunk]

    init(sourcePort: UInt16, destinationPort: UInt16, verificationTag: UInt32, chunks: [SCTPChunk]) {
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.verificationTag = verificationTag
        self.chunks = chunks
    }

    init(parsing bytes: [UInt8]) throws(ParsingError) {
        guard bytes.count >= Self.headerSize + SCTPChunk.headerSize else { throw .truncated }
        // RFC 9260 appendix A: the remainder's least significant byte goes first
        let checksum = CRC32c.checksum(bytes[...], zeroing: Self.checksumRange)
        guard bytes[Self.checksumRange].reversed().reduce(0, { $0 << 8 | UInt32($1) }) == checksum else {
            throw .wrongChecksum
        }
        var reader = ByteReader(bytes)
        do {
            sourcePort = try reader.uint16()
            destinationPort = try reader.uint16()
            verificationTag = try reader.uint32()
            try reader.skip(Self.checksumRange.count)
        } catch {
            throw .truncated
        }
        chunks = []
        while reader.remaining > 0 { chunks.append(try SCTPChunk(from: &reader)) }
    }

    /// The packet as it travels.
    var bytes: [UInt8] {
        var bytes = Self.header(from: sourcePort, to: destinationPort, verificationTag: verificationTag)
        for chunk in chunks { chunk.write(to: &bytes) }
        Self.seal(&bytes)
        return bytes
    }

    /// A header whose checksum is still to be written.
    static func header(from source: UInt16, to destination: UInt16, verificationTag: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(uint16: source)
        bytes.append(uint16: destination)
        bytes.append(uint32: verificationTag)
        bytes.append(uint32: 0)
        return bytes
    }

    /// Writes the checksum of a packet that is complete otherwise.
    static func seal(_ bytes: inout [UInt8]) {
        bytes.set(uint32: CRC32c.checksum(bytes[...]).byteSwapped, at: checksumRange.lowerBound)
    }
}
