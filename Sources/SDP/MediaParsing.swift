extension MediaDescription {
    /// How many sections a description may have; what bounds the work that a peer can give us.
    static let maximumCount = 64
}

/// A media section while its lines are read.
struct MediaSectionParser {
    private(set) var media: MediaDescription
    /// The formats of the `m=` line, in order.
    private let formats: [String]
    private var direction: MediaDirection?
    /// What `a=rtpmap`, `a=fmtp` and `a=rtcp-fb` say of each payload type.
    private var mappings: [UInt8: RTPCodec] = [:]
    private var parameters: [UInt8: [FormatParameter]] = [:]
    private var feedback: [(payloadType: UInt8?, RTCPFeedback)] = []
    /// Where in `media.sources` each source is.
    private var sourcePositions: [UInt32: Int] = [:]

    init(kind: MediaKind, transportProtocol: String, formats: [String]) {
        media = MediaDescription(kind: kind, transportProtocol: transportProtocol)
        self.formats = formats
    }

    /// A section that begins with the `m=` line `line` (RFC 8866 §5.14).
    init(_ line: SDPLine) throws(SDPError) {
        let words = line.value.words
        // A number of ports may follow the port after a slash; WebRTC has no use for it.
        guard words.count >= 4, let port = UInt16(decimal: words[1].cut(at: UInt8(ascii: "/")).0) else {
            throw line.malformed
        }
        self.init(
            kind: MediaKind(String(words[0])), transportProtocol: String(words[2]),
            formats: words[3...].map(String.init))
        media.port = port
        guard media.isRTP else { return }
        var seen: Set<UInt8> = []
        for format in words[3...] {
            guard let payloadType = UInt8(decimal: format), payloadType < 128 else { throw line.malformed }
            guard seen.insert(payloadType).inserted else {
                throw line.error(.duplicate("payload type \(payloadType)"))
            }
        }
    }

    /// Reads a line of the section.
    mutating func read(_ line: SDPLine) throws(SDPError) {
        switch line.type {
        case UInt8(ascii: "c"):
            media.connection = String(line.value)
        case UInt8(ascii: "b"):
            let (type, value) = line.value.cut(at: UInt8(ascii: ":"))
            guard let value, let number = UInt64(decimal: value) else { throw line.malformed }
            media.bandwidths.append(Bandwidth(String(type), number))
        case UInt8(ascii: "a"):
            try readAttribute(line)
        default:
            break
        }
    }

    /// The section, with what it does not say itself taken from the session level.
    func finished(inheriting defaults: MediaSectionParser) -> MediaDescription {
        var media = media
        media.direction = direction ?? defaults.direction ?? .sendrecv
        if media.iceUfrag == nil, media.icePwd == nil {
            media.iceUfrag = defaults.media.iceUfrag
            media.icePwd = defaults.media.icePwd
        }
        if media.iceOptions.isEmpty { media.iceOptions = defaults.media.iceOptions }
        if media.fingerprints.isEmpty { media.fingerprints = defaults.media.fingerprints }
        media.setup = media.setup ?? defaults.media.setup
        if media.headerExtensions.isEmpty { media.headerExtensions = defaults.media.headerExtensions }
        media.allowsMixedHeaderExtensions =
            media.allowsMixedHeaderExtensions || defaults.media.allowsMixedHeaderExtensions
        guard media.isRTP else {
            media.otherFormats = formats
            return media
        }
        for format in formats {
            guard let payloadType = UInt8(format),
                var codec = mappings[payloadType] ?? RTPCodec.withStaticPayloadType(payloadType)
            else {
                media.otherFormats.append(format)
                continue
            }
            codec.parameters = parameters[payloadType] ?? []
            for (target, feedback) in feedback
            where (target == nil || target == payloadType) && !codec.feedback.contains(feedback) {
                codec.feedback.append(feedback)
            }
            media.codecs.append(codec)
        }
        return media
    }

    private mutating func readAttribute(_ line: SDPLine) throws(SDPError) {
        let attribute = line.attribute
        switch attribute.name {
        case "mid": media.mid = try line.token()
        case "sendrecv", "sendonly", "recvonly", "inactive": direction = MediaDirection(rawValue: attribute.name)
        case "bundle-only": media.isBundleOnly = true
        case "rtcp-mux": media.isRTCPMultiplexed = true
        case "rtcp-mux-only": media.isRTCPMultiplexedOnly = true
        case "rtcp-rsize": media.isRTCPReducedSize = true
        case "extmap-allow-mixed": media.allowsMixedHeaderExtensions = true
        case "ice-ufrag": media.iceUfrag = try line.iceUfrag()
        case "ice-pwd": media.icePwd = try line.icePwd()
        case "ice-options": media.iceOptions += line.attributeValue.words.map(String.init)
        case "candidate": media.candidates.append(String(line.value))
        case "end-of-candidates": media.hasEndOfCandidates = true
        case "fingerprint": media.fingerprints.append(try Self.fingerprint(line))
        case "setup":
            guard let setup = SetupRole(rawValue: String(line.attributeValue)) else { throw line.malformed }
            media.setup = setup
        case "extmap": media.headerExtensions.append(try Self.headerExtension(line))
        case "msid":
            let words = line.attributeValue.words.map(String.init)
            guard (1...2).contains(words.count) else { throw line.malformed }
            media.msids.append(MSID(stream: words[0], track: words.dropFirst().first))
        case "ssrc": try readSource(line)
        case "ssrc-group": media.sourceGroups.append(try Self.sourceGroup(line))
        case "sctp-port":
            guard let port = UInt16(decimal: line.attributeValue) else { throw line.malformed }
            media.sctpPort = port
        case "max-message-size":
            guard let size = UInt64(decimal: line.attributeValue) else { throw line.malformed }
            media.maxMessageSize = size
        case "rtpmap" where media.isRTP: try readMapping(line)
        case "fmtp" where media.isRTP: try readParameters(line)
        case "rtcp-fb" where media.isRTP: try readFeedback(line)
        default: media.attributes.append(attribute)
        }
    }

    private mutating func readMapping(_ line: SDPLine) throws(SDPError) {
        let (payloadType, rest) = try line.payloadTypeAndRest()
        let parts = rest.pieces(between: UInt8(ascii: "/"), omittingEmpty: false)
        guard (2...3).contains(parts.count), !parts[0].isEmpty, parts[0].isVisible,
            let clockRate = UInt32(decimal: parts[1]), clockRate > 0
        else { throw line.malformed }
        var codec = RTPCodec(payloadType: payloadType, name: String(parts[0]), clockRate: clockRate)
        if parts.count == 3 {
            guard let channels = UInt8(decimal: parts[2]), channels > 0 else { throw line.malformed }
            codec.channels = channels
        }
        mappings[payloadType] = codec
    }

    private mutating func readParameters(_ line: SDPLine) throws(SDPError) {
        let (payloadType, rest) = try line.payloadTypeAndRest()
        for piece in rest.pieces(between: UInt8(ascii: ";")) where !piece.trimmed.isEmpty {
            let (name, value) = piece.trimmed.cut(at: UInt8(ascii: "="))
            parameters[payloadType, default: []].append(
                FormatParameter(String(name.trimmed), value.map { String($0.trimmed) }))
        }
    }

    private mutating func readFeedback(_ line: SDPLine) throws(SDPError) {
        // RFC 4585 §4.2: an asterisk stands for every payload type.
        let (target, rest) = line.attributeValue.cut(at: UInt8(ascii: " "))
        let payloadType = UInt8(decimal: target)
        let words = rest?.words ?? []
        guard target == "*" || payloadType != nil, let type = words.first else { throw line.malformed }
        let parameter = words.dropFirst().joined(separator: " ")
        feedback.append((payloadType, RTCPFeedback(String(type), parameter.isEmpty ? nil : parameter)))
    }

    private mutating func readSource(_ line: SDPLine) throws(SDPError) {
        let (number, rest) = line.attributeValue.cut(at: UInt8(ascii: " "))
        guard let ssrc = UInt32(decimal: number), let rest = rest?.trimmed, !rest.isEmpty else { throw line.malformed }
        let (name, value) = rest.cut(at: UInt8(ascii: ":"))
        let attribute = SessionDescription.Attribute(String(name), value.map(String.init))
        if let position = sourcePositions[ssrc] {
            media.sources[position].attributes.append(attribute)
        } else {
            sourcePositions[ssrc] = media.sources.count
            media.sources.append(Source(ssrc: ssrc, attributes: [attribute]))
        }
    }

    private static func sourceGroup(_ line: SDPLine) throws(SDPError) -> SourceGroup {
        let words = line.attributeValue.words
        guard let semantics = words.first else { throw line.malformed }
        let ssrcs = words.dropFirst().compactMap { UInt32(decimal: $0) }
        guard ssrcs.count == words.count - 1 else { throw line.malformed }
        return SourceGroup(String(semantics), ssrcs)
    }

    /// RFC 8285 §8: `<number>["/"<direction>] <URI> [<attributes>]`.
    private static func headerExtension(_ line: SDPLine) throws(SDPError) -> HeaderExtension {
        let words = line.attributeValue.words
        guard words.count >= 2 else { throw line.malformed }
        let (number, directionName) = words[0].cut(at: UInt8(ascii: "/"))
        guard let id = UInt16(decimal: number), id > 0 else { throw line.malformed }
        var direction: MediaDirection?
        if let directionName {
            direction = MediaDirection(rawValue: String(directionName))
            guard direction != nil else { throw line.malformed }
        }
        let parameters = words.dropFirst(2).joined(separator: " ")
        return HeaderExtension(
            id: id, uri: String(words[1]), direction: direction, parameters: parameters.isEmpty ? nil : parameters)
    }

    /// RFC 8122 §5: a hash function's name, and bytes in hexadecimal between colons.
    private static func fingerprint(_ line: SDPLine) throws(SDPError) -> SDPFingerprint {
        let words = line.attributeValue.words
        guard words.count == 2 else { throw line.malformed }
        var bytes: [UInt8] = []
        for pair in words[1].pieces(between: UInt8(ascii: ":"), omittingEmpty: false) {
            guard pair.utf8.count == 2, pair.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
                let byte = UInt8(pair, radix: 16), bytes.count < 64
            else { throw line.malformed }
            bytes.append(byte)
        }
        let function = words[0].lowercased()
        let lengths = ["md5": 16, "sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64]
        guard lengths[function, default: bytes.count] == bytes.count else { throw line.malformed }
        return SDPFingerprint(hashFunction: function, bytes: bytes)
    }
}

extension RTPCodec {
    /// The codec that needs no `a=rtpmap` (RFC 3551 §6), of those that browsers have.
    static func withStaticPayloadType(_ payloadType: UInt8) -> RTPCodec? {
        switch payloadType {
        case 0: RTPCodec(payloadType: 0, name: "PCMU", clockRate: 8000)
        case 8: RTPCodec(payloadType: 8, name: "PCMA", clockRate: 8000)
        case 9: RTPCodec(payloadType: 9, name: "G722", clockRate: 8000)
        case 13: RTPCodec(payloadType: 13, name: "CN", clockRate: 8000)
        default: nil
        }
    }
}
