import Wire

extension SCTPChunk {
    /// Reads a chunk and its padding.
    init(from reader: inout ByteReader) throws(SCTPPacket.ParsingError) {
        do {
            let start = reader
            let type = try reader.uint8()
            let flags = try reader.uint8()
            let length = Int(try reader.uint16())
            guard length >= Self.headerSize else { throw SCTPPacket.ParsingError.malformedChunk }
            let value = try reader.slice(length - Self.headerSize)
            // RFC 9260 §3.2: the last chunk's padding may be left out only by who breaks the rule; it is forgiven
            try reader.skip(min(reader.remaining, length.padding))
            if let kind = Kind(rawValue: type) {
                self = try Self.known(kind, flags: flags, value)
            } else {
                var whole = start
                self = .unrecognized(type: type, try whole.slice(length))
            }
        } catch {
            throw .malformedChunk
        }
    }

    private static func known(_ kind: Kind, flags: UInt8, _ value: ArraySlice<UInt8>) throws -> SCTPChunk {
        var reader = ByteReader(value)
        switch kind {
        case .data, .interleavedData:
            return .data(try DataChunk(flags: flags, isInterleaved: kind == .interleavedData, &reader))
        case .initiation:
            return .initiation(try InitiationChunk(&reader))
        case .initiationAcknowledgement:
            return .initiationAcknowledgement(try InitiationChunk(&reader))
        case .selectiveAcknowledgement:
            return .selectiveAcknowledgement(try SelectiveAcknowledgementChunk(&reader))
        case .heartbeat:
            return .heartbeat(try heartbeatInformation(&reader))
        case .heartbeatAcknowledgement:
            return .heartbeatAcknowledgement(try heartbeatInformation(&reader))
        case .abort:
            return .abort(try ErrorCause.all(&reader), isReflected: flags & 1 == 1)
        case .shutdown:
            return .shutdown(cumulativeTSN: try reader.uint32())
        case .shutdownAcknowledgement:
            return .shutdownAcknowledgement
        case .error:
            return .error(try ErrorCause.all(&reader))
        case .cookieEcho:
            return .cookieEcho(reader.rest())
        case .cookieAcknowledgement:
            return .cookieAcknowledgement
        case .shutdownComplete:
            return .shutdownComplete(isReflected: flags & 1 == 1)
        case .reconfiguration:
            return .reconfiguration(try ReconfigurationParameter.all(&reader))
        case .forwardTSN, .interleavedForwardTSN:
            return .forwardTSN(try ForwardTSNChunk(isInterleaved: kind == .interleavedForwardTSN, &reader))
        }
    }

    private static func heartbeatInformation(_ reader: inout ByteReader) throws -> ArraySlice<UInt8> {
        let parameter = try reader.parameter()
        guard parameter.type == ChunkParameter.heartbeatInformation else {
            throw SCTPPacket.ParsingError.malformedChunk
        }
        return parameter.value
    }
}

/// The numbers of the parameters that are used here.
enum ChunkParameter {
    static let heartbeatInformation: UInt16 = 1
    static let stateCookie: UInt16 = 7
    static let unrecognizedParameter: UInt16 = 8
    static let outgoingReset: UInt16 = 13
    static let incomingReset: UInt16 = 14
    static let reconfigurationResponse: UInt16 = 16
    static let addIncomingStreams: UInt16 = 18
    static let supportedExtensions: UInt16 = 0x8008
    static let forwardTSNSupported: UInt16 = 0xC000
}

extension Int {
    /// How many bytes are missing to a multiple of four.
    var padding: Int { -self & 3 }
}

extension ByteReader {
    /// A parameter or error cause, its padding passed over: they have one form (RFC 9260 §3.2.1, §3.3.10).
    fileprivate mutating func parameter() throws -> (type: UInt16, value: ArraySlice<UInt8>, whole: ArraySlice<UInt8>) {
        var whole = self
        let type = try uint16()
        let length = Int(try uint16())
        guard length >= 4 else { throw SCTPPacket.ParsingError.malformedChunk }
        let value = try slice(length - 4)
        try skip(Swift.min(remaining, length.padding))
        return (type, value, try whole.slice(length))
    }
}

extension ErrorCause {
    fileprivate static func all(_ reader: inout ByteReader) throws -> [ErrorCause] {
        var causes: [ErrorCause] = []
        while reader.remaining > 0 {
            let cause = try reader.parameter()
            causes.append(ErrorCause(code: cause.type, information: cause.value))
        }
        return causes
    }
}

extension DataChunk {
    fileprivate init(flags: UInt8, isInterleaved: Bool, _ reader: inout ByteReader) throws {
        let isBeginning = flags & 2 != 0
        let tsn = try reader.uint32()
        let stream = SCTPStreamIdentifier(try reader.uint16())
        var messageNumber = UInt32(try reader.uint16())
        if isInterleaved { messageNumber = try reader.uint32() }
        let last = try reader.uint32()
        self.init(
            tsn: tsn, stream: stream, messageNumber: messageNumber,
            fragmentNumber: isInterleaved && !isBeginning ? last : 0,
            payloadProtocol: PayloadProtocolIdentifier(isInterleaved && !isBeginning ? 0 : last),
            isUnordered: flags & 4 != 0, isBeginning: isBeginning, isEnding: flags & 1 != 0,
            wantsImmediateAcknowledgement: flags & 8 != 0, isInterleaved: isInterleaved, payload: reader.rest())
    }
}

extension InitiationChunk {
    fileprivate init(_ reader: inout ByteReader) throws {
        self.init(
            initiateTag: try reader.uint32(), receiverWindow: try reader.uint32(),
            outboundStreams: try reader.uint16(), inboundStreams: try reader.uint16(), initialTSN: try reader.uint32())
        while reader.remaining > 0 {
            let (type, value, whole) = try reader.parameter()
            switch type {
            case ChunkParameter.stateCookie:
                cookie = value
            case ChunkParameter.forwardTSNSupported:
                extensions.insert(.forwardTSN)
            case ChunkParameter.supportedExtensions:
                if value.contains(SCTPChunk.Kind.reconfiguration.rawValue) { extensions.insert(.reconfiguration) }
                if value.contains(SCTPChunk.Kind.forwardTSN.rawValue) { extensions.insert(.forwardTSN) }
                if value.contains(SCTPChunk.Kind.interleavedData.rawValue) { extensions.insert(.interleaving) }
            default:
                // RFC 9260 §3.2.1: the two highest bits say whether to report what is not known, and to read on.
                // Known and of no use without addresses: cookie preservative, host name, address types.
                let isKnown = (5...12).contains(type) && type != 10
                if type & 0x4000 != 0, !isKnown { unrecognized.append(whole) }
                if type & 0x8000 == 0, !isKnown { return }
            }
        }
    }
}

extension SelectiveAcknowledgementChunk {
    fileprivate init(_ reader: inout ByteReader) throws {
        cumulativeTSN = try reader.uint32()
        receiverWindow = try reader.uint32()
        let gapCount = Int(try reader.uint16())
        let duplicateCount = Int(try reader.uint16())
        guard reader.remaining >= 4 * (gapCount + duplicateCount) else { throw SCTPPacket.ParsingError.malformedChunk }
        gaps = []
        duplicates = []
        for _ in 0..<gapCount { gaps.append(GapBlock(start: try reader.uint16(), end: try reader.uint16())) }
        for _ in 0..<duplicateCount { duplicates.append(try reader.uint32()) }
    }
}

extension ForwardTSNChunk {
    fileprivate init(isInterleaved: Bool, _ reader: inout ByteReader) throws {
        newCumulativeTSN = try reader.uint32()
        skipped = []
        self.isInterleaved = isInterleaved
        while reader.remaining > 0 {
            let stream = SCTPStreamIdentifier(try reader.uint16())
            let second = try reader.uint16()
            let skipped =
                isInterleaved
                ? Skipped(stream: stream, isUnordered: second & 1 == 1, messageNumber: try reader.uint32())
                : Skipped(stream: stream, isUnordered: false, messageNumber: UInt32(second))
            self.skipped.append(skipped)
        }
    }
}

extension ReconfigurationParameter {
    fileprivate static func all(_ reader: inout ByteReader) throws -> [ReconfigurationParameter] {
        var parameters: [ReconfigurationParameter] = []
        while reader.remaining > 0 {
            let (type, value, _) = try reader.parameter()
            var content = ByteReader(value)
            switch type {
            case ChunkParameter.outgoingReset:
                let (request, response) = (try content.uint32(), try content.uint32())
                let lastTSN = try content.uint32()
                var streams: [SCTPStreamIdentifier] = []
                while content.remaining > 0 { streams.append(SCTPStreamIdentifier(try content.uint16())) }
                parameters.append(
                    .outgoingReset(request: request, response: response, lastTSN: lastTSN, streams: streams))
            case ChunkParameter.reconfigurationResponse:
                parameters.append(.response(request: try content.uint32(), result: try content.uint32()))
            case ChunkParameter.incomingReset...ChunkParameter.addIncomingStreams:
                parameters.append(.otherRequest(request: try content.uint32()))
            default:
                throw SCTPPacket.ParsingError.malformedChunk
            }
        }
        // RFC 6525 §3.1: one parameter, or two
        guard (1...2).contains(parameters.count) else { throw SCTPPacket.ParsingError.malformedChunk }
        return parameters
    }
}
