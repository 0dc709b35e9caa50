import Wire

extension SCTPChunk {
    /// Appends the chunk, padded.
    func write(to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(kind)
        bytes.append(flags)
        bytes.append(uint16: 0)
        writeValue(to: &bytes)
        bytes.writeLength(from: start)
        bytes.pad()
    }

    /// How many bytes `write` appends.
    var size: Int {
        switch self {
        case .data(let chunk):
            let size = DataChunk.headerSize(isInterleaved: chunk.isInterleaved) + chunk.payload.count
            return size + size.padding
        default:
            var bytes: [UInt8] = []
            write(to: &bytes)
            return bytes.count
        }
    }

    private var kind: UInt8 {
        switch self {
        case .data(let chunk): (chunk.isInterleaved ? Kind.interleavedData : .data).rawValue
        case .initiation: Kind.initiation.rawValue
        case .initiationAcknowledgement: Kind.initiationAcknowledgement.rawValue
        case .selectiveAcknowledgement: Kind.selectiveAcknowledgement.rawValue
        case .heartbeat: Kind.heartbeat.rawValue
        case .heartbeatAcknowledgement: Kind.heartbeatAcknowledgement.rawValue
        case .abort: Kind.abort.rawValue
        case .shutdown: Kind.shutdown.rawValue
        case .shutdownAcknowledgement: Kind.shutdownAcknowledgement.rawValue
        case .error: Kind.error.rawValue
        case .cookieEcho: Kind.cookieEcho.rawValue
        case .cookieAcknowledgement: Kind.cookieAcknowledgement.rawValue
        case .shutdownComplete: Kind.shutdownComplete.rawValue
        case .reconfiguration: Kind.reconfiguration.rawValue
        case .forwardTSN(let chunk): (chunk.isInterleaved ? Kind.interleavedForwardTSN : .forwardTSN).rawValue
        case .unrecognized(let type, _): type
        }
    }

    private var flags: UInt8 {
        switch self {
        case .data(let chunk):
            return (chunk.isEnding ? 1 : 0) | (chunk.isBeginning ? 2 : 0) | (chunk.isUnordered ? 4 : 0)
                | (chunk.wantsImmediateAcknowledgement ? 8 : 0)
        case .abort(_, let isReflected), .shutdownComplete(let isReflected):
            return isReflected ? 1 : 0
        case .unrecognized(_, let whole):
            return whole.dropFirst().first ?? 0
        default:
            return 0
        }
    }

    private func writeValue(to bytes: inout [UInt8]) {
        switch self {
        case .data(let chunk): chunk.write(to: &bytes)
        case .initiation(let chunk), .initiationAcknowledgement(let chunk): chunk.write(to: &bytes)
        case .selectiveAcknowledgement(let chunk): chunk.write(to: &bytes)
        case .heartbeat(let information), .heartbeatAcknowledgement(let information):
            bytes.append(parameter: ChunkParameter.heartbeatInformation) { $0 += information }
        case .abort(let causes, _), .error(let causes):
            for cause in causes { bytes.append(parameter: cause.code) { $0 += cause.information } }
        case .shutdown(let cumulativeTSN): bytes.append(uint32: cumulativeTSN)
        case .cookieEcho(let cookie): bytes += cookie
        case .shutdownAcknowledgement, .cookieAcknowledgement, .shutdownComplete: break
        case .reconfiguration(let parameters):
            for parameter in parameters { parameter.write(to: &bytes) }
        case .forwardTSN(let chunk): chunk.write(to: &bytes)
        case .unrecognized(_, let whole): bytes += whole.dropFirst(Self.headerSize)
        }
    }
}

extension [UInt8] {
    /// Writes the length of what began at `start` with a type of two bytes and an empty length.
    fileprivate mutating func writeLength(from start: Int) {
        set(uint16: UInt16(count - start), at: start + 2)
    }

    fileprivate mutating func pad() {
        append(contentsOf: repeatElement(0, count: count.padding))
    }

    /// RFC 9260 §3.2: the chunk's length counts the padding of its parameters, but not the last one's.
    fileprivate mutating func append(parameter type: UInt16, _ write: (inout [UInt8]) -> Void) {
        pad()
        let start = count
        append(uint16: type)
        append(uint16: 0)
        write(&self)
        writeLength(from: start)
    }
}

extension DataChunk {
    fileprivate func write(to bytes: inout [UInt8]) {
        bytes.append(uint32: tsn)
        bytes.append(uint16: stream.rawValue)
        if isInterleaved {
            bytes.append(uint16: 0)
            bytes.append(uint32: messageNumber)
            bytes.append(uint32: isBeginning ? payloadProtocol.rawValue : fragmentNumber)
        } else {
            bytes.append(uint16: UInt16(truncatingIfNeeded: messageNumber))
            bytes.append(uint32: payloadProtocol.rawValue)
        }
        bytes += payload
    }
}

extension InitiationChunk {
    fileprivate func write(to bytes: inout [UInt8]) {
        bytes.append(uint32: initiateTag)
        bytes.append(uint32: receiverWindow)
        bytes.append(uint16: outboundStreams)
        bytes.append(uint16: inboundStreams)
        bytes.append(uint32: initialTSN)
        if let cookie { bytes.append(parameter: ChunkParameter.stateCookie) { $0 += cookie } }
        if extensions.contains(.forwardTSN) { bytes.append(parameter: ChunkParameter.forwardTSNSupported) { _ in } }
        var kinds: [SCTPChunk.Kind] = []
        if extensions.contains(.reconfiguration) { kinds.append(.reconfiguration) }
        if extensions.contains(.forwardTSN) { kinds.append(.forwardTSN) }
        if extensions.contains(.interleaving) { kinds += [.interleavedData, .interleavedForwardTSN] }
        if !kinds.isEmpty {
            bytes.append(parameter: ChunkParameter.supportedExtensions) { $0 += kinds.map(\.rawValue) }
        }
        for parameter in unrecognized {
            bytes.append(parameter: ChunkParameter.unrecognizedParameter) { $0 += parameter }
        }
    }
}

extension SelectiveAcknowledgementChunk {
    fileprivate func write(to bytes: inout [UInt8]) {
        bytes.append(uint32: cumulativeTSN)
        bytes.append(uint32: receiverWindow)
        bytes.append(uint16: UInt16(gaps.count))
        bytes.append(uint16: UInt16(duplicates.count))
        for gap in gaps {
            bytes.append(uint16: gap.start)
            bytes.append(uint16: gap.end)
        }
        for duplicate in duplicates { bytes.append(uint32: duplicate) }
    }
}

extension ForwardTSNChunk {
    fileprivate func write(to bytes: inout [UInt8]) {
        bytes.append(uint32: newCumulativeTSN)
        for skipped in skipped {
            bytes.append(uint16: skipped.stream.rawValue)
            if isInterleaved {
                bytes.append(uint16: skipped.isUnordered ? 1 : 0)
                bytes.append(uint32: skipped.messageNumber)
            } else {
                bytes.append(uint16: UInt16(truncatingIfNeeded: skipped.messageNumber))
            }
        }
    }
}

extension ReconfigurationParameter {
    fileprivate func write(to bytes: inout [UInt8]) {
        switch self {
        case .outgoingReset(let request, let response, let lastTSN, let streams):
            bytes.append(parameter: ChunkParameter.outgoingReset) { bytes in
                for word in [request, response, lastTSN] { bytes.append(uint32: word) }
                for stream in streams { bytes.append(uint16: stream.rawValue) }
            }
        case .response(let request, let result):
            bytes.append(parameter: ChunkParameter.reconfigurationResponse) { bytes in
                bytes.append(uint32: request)
                bytes.append(uint32: result)
            }
        case .otherRequest(let request):
            bytes.append(parameter: ChunkParameter.incomingReset) { $0.append(uint32: request) }
        }
    }
}
