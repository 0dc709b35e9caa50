import Wire

/// All that an association needs to come to life, kept by the other side until it echoes it (RFC 9260 §5.1.3).
struct StateCookie: Hashable, Sendable {
    /// The verification tag that the other side uses.
    var localTag: UInt32
    /// The one that this side uses.
    var remoteTag: UInt32
    var localInitialTSN: UInt32
    var remoteInitialTSN: UInt32
    var remoteWindow: UInt32
    /// How many streams this side may send by, and the other.
    var outboundStreams: UInt16
    var inboundStreams: UInt16
    /// What both sides can do.
    var extensions: SCTPExtensions
    /// The tags of an association that was there already, by which a restart is told from a stray cookie (§5.2.2).
    var tieTags: TieTags?
    /// When it was made.
    var created: Instant

    struct TieTags: Hashable, Sendable {
        var local: UInt32
        var remote: UInt32
    }

    /// Written and authenticated.
    func sealed(with key: SipHash) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in [localTag, remoteTag, localInitialTSN, remoteInitialTSN, remoteWindow] {
            bytes.append(uint32: word)
        }
        bytes.append(uint16: outboundStreams)
        bytes.append(uint16: inboundStreams)
        bytes.append(extensions.rawValue)
        bytes.append(tieTags == nil ? 0 : 1)
        bytes.append(uint32: tieTags?.local ?? 0)
        bytes.append(uint32: tieTags?.remote ?? 0)
        bytes.append(uint64: UInt64(bitPattern: created.nanoseconds))
        bytes.append(uint64: key.code(of: bytes[...]))
        return bytes
    }
}

extension StateCookie {
    /// The cookie in `bytes`; nil when this side did not make it.
    init?(opening bytes: ArraySlice<UInt8>, with key: SipHash) {
        guard bytes.count > 8 else { return nil }
        let content = bytes.dropLast(8)
        var code: [UInt8] = []
        code.append(uint64: key.code(of: content))
        // without an early exit, which would tell how much of a forgery is right
        let difference = zip(code, bytes.suffix(8)).reduce(0) { $0 | ($1.0 ^ $1.1) }
        guard difference == 0 else { return nil }
        var reader = ByteReader(content)
        do {
            localTag = try reader.uint32()
            remoteTag = try reader.uint32()
            localInitialTSN = try reader.uint32()
            remoteInitialTSN = try reader.uint32()
            remoteWindow = try reader.uint32()
            outboundStreams = try reader.uint16()
            inboundStreams = try reader.uint16()
            extensions = SCTPExtensions(rawValue: try reader.uint8())
            let hasTieTags = try reader.uint8() == 1
            let tags = TieTags(local: try reader.uint32(), remote: try reader.uint32())
            tieTags = hasTieTags ? tags : nil
            created = Instant(nanoseconds: Int64(bitPattern: try reader.uint64()))
        } catch {
            return nil
        }
    }
}
