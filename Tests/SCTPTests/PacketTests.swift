import Testing
import Wire

@testable import SCTP

/// Packets, chunks and parameters as they travel (RFC 9260 §3, RFC 3758 §3, RFC 6525 §4, RFC 8260 §2).
@Suite struct PacketTests {
    private func packet(_ chunks: [SCTPChunk]) -> SCTPPacket {
        SCTPPacket(sourcePort: 5000, destinationPort: 5001, verificationTag: 0x0102_0304, chunks: chunks)
    }

    @Test(
        arguments: [
            ([], 0), (Array("123456789".utf8), 0xE306_9283), (Array("a".utf8), 0xC1D0_4330),
            // RFC 3720 B.4
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0...31), 0x46DD_794E), ((0...31).reversed(), 0x113F_DB5C),
        ] as [([UInt8], UInt32)])
    func `the checksum is CRC-32C (appendix A)`(bytes: [UInt8], checksum: UInt32) {
        #expect(CRC32c.checksum(bytes[...]) == checksum)
    }

    @Test func `bytes of a hole are counted as zeros`() {
        var bytes = (0..<37).map { UInt8($0) }
        let holed = CRC32c.checksum(bytes[...], zeroing: 8..<12)
        for index in 8..<12 { bytes[index] = 0 }
        #expect(holed == CRC32c.checksum(bytes[...]))
    }

    @Test(
        arguments: [
            .data(
                DataChunk(
                    tsn: 1, stream: SCTPStreamIdentifier(2), messageNumber: 3, payloadProtocol: .string,
                    isUnordered: true,
                    isBeginning: true, isEnding: false, wantsImmediateAcknowledgement: true, isInterleaved: false,
                    payload: [1, 2, 3, 4, 5])),
            .data(
                DataChunk(
                    tsn: 1, stream: SCTPStreamIdentifier(2), messageNumber: 0x1_0003, payloadProtocol: .binary,
                    isUnordered: false, isBeginning: true, isEnding: true, isInterleaved: true, payload: [1])),
            .data(
                DataChunk(
                    tsn: 1, stream: SCTPStreamIdentifier(2), messageNumber: 3, fragmentNumber: 9,
                    payloadProtocol: PayloadProtocolIdentifier(0), isUnordered: false, isBeginning: false,
                    isEnding: true,
                    isInterleaved: true, payload: [1, 2])),
            .initiation(
                InitiationChunk(
                    initiateTag: 1, receiverWindow: 2, outboundStreams: 3, inboundStreams: 4, initialTSN: 5,
                    extensions: [.forwardTSN, .reconfiguration, .interleaving])),
            .initiationAcknowledgement(
                InitiationChunk(
                    initiateTag: 1, receiverWindow: 2, outboundStreams: 3, inboundStreams: 4, initialTSN: 5,
                    extensions: [.reconfiguration], cookie: [1, 2, 3, 4, 5])),
            .selectiveAcknowledgement(
                SelectiveAcknowledgementChunk(
                    cumulativeTSN: 1, receiverWindow: 2, gaps: [.init(start: 2, end: 3), .init(start: 5, end: 5)],
                    duplicates: [7, 8])),
            .heartbeat([1, 2, 3]), .heartbeatAcknowledgement([1, 2, 3, 4, 5, 6]),
            .abort(
                [ErrorCause(.protocolViolation, reason: "why"), ErrorCause(.noUserData, [0, 0, 0, 1])],
                isReflected: true),
            .shutdown(cumulativeTSN: 9), .shutdownAcknowledgement, .error([ErrorCause(.staleCookie, [0, 0, 0, 9])]),
            .cookieEcho([1, 2, 3]), .cookieAcknowledgement, .shutdownComplete(isReflected: false),
            .reconfiguration([
                .outgoingReset(
                    request: 1, response: 2, lastTSN: 3,
                    streams: [SCTPStreamIdentifier(4), SCTPStreamIdentifier(65534), SCTPStreamIdentifier(6)]),
                .response(request: 7, result: 6),
            ]),
            .forwardTSN(
                ForwardTSNChunk(
                    newCumulativeTSN: 4,
                    skipped: [.init(stream: SCTPStreamIdentifier(1), isUnordered: false, messageNumber: 65535)],
                    isInterleaved: false)),
            .forwardTSN(
                ForwardTSNChunk(
                    newCumulativeTSN: 4,
                    skipped: [.init(stream: SCTPStreamIdentifier(1), isUnordered: true, messageNumber: 1 << 20)],
                    isInterleaved: true)),
            .unrecognized(type: 0xFE, [0xFE, 3, 0, 6, 1, 2]),
        ] as [SCTPChunk])
    func `a chunk is read as it was written, alone and with another behind it`(chunk: SCTPChunk) throws {
        for chunks in [[chunk], [chunk, .cookieAcknowledgement], [.cookieAcknowledgement, chunk]] {
            let bytes = packet(chunks).bytes
            #expect(bytes.count % 4 == 0)
            #expect(try SCTPPacket(parsing: bytes) == packet(chunks))
        }
    }

    @Test func `a chunk's length counts its parameters' padding, but not the last one's (§3.2)`() {
        let one = packet([.abort([ErrorCause(.noUserData, [1])], isReflected: false)]).bytes
        #expect(Array(one[12..<16]) == [6, 0, 0, 9])
        let two = packet([.abort([ErrorCause(.noUserData, [1]), ErrorCause(.noUserData, [1])], isReflected: false)])
        #expect(Array(two.bytes[12..<16]) == [6, 0, 0, 17])
    }

    @Test func `a packet whose checksum is wrong is none`() {
        var bytes = packet([.cookieAcknowledgement]).bytes
        bytes[3] ^= 1
        #expect(throws: SCTPPacket.ParsingError.wrongChecksum) { try SCTPPacket(parsing: bytes) }
    }

    @Test(arguments: 0..<16)
    func `a header without a chunk is no packet`(count: Int) {
        let bytes = Array(packet([.cookieAcknowledgement]).bytes.prefix(count))
        #expect(throws: SCTPPacket.ParsingError.truncated) { try SCTPPacket(parsing: bytes) }
    }

    @Test(
        arguments: [
            // longer than the packet, shorter than its header
            [11, 0, 0, 5], [11, 0, 0, 3], [11, 0, 0, 0], [11, 0, 0],
            // values too short for their kind
            [0, 3, 0, 15, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 8, 0, 0, 0, 1], [3, 0, 0, 8, 0, 0, 0, 1],
            [7, 0, 0, 6, 0, 0], [4, 0, 0, 4], [4, 0, 0, 8, 0, 9, 0, 4], [192, 0, 0, 6, 0, 0],
            // more gap blocks than bytes
            [3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0],
            // parameters whose length is wrong
            [6, 0, 0, 8, 0, 9, 0, 3], [6, 0, 0, 8, 0, 9, 0, 9], [130, 0, 0, 8, 0, 13, 0, 4],
            // RE-CONFIG without a parameter, with one that is none of its own
            [130, 0, 0, 4], [130, 0, 0, 8, 0, 1, 0, 4],
        ] as [[UInt8]])
    func `a chunk that breaks its form is refused`(chunk: [UInt8]) {
        var bytes = SCTPPacket.header(from: 5000, to: 5000, verificationTag: 1) + chunk
        SCTPPacket.seal(&bytes)
        #expect(throws: SCTPPacket.ParsingError.self) { try SCTPPacket(parsing: bytes) }
    }

    @Test func `a parameter that is not known ends the reading or not, and is reported or not (§3.2.1)`() throws {
        let initiation = InitiationChunk(
            initiateTag: 1, receiverWindow: 2, outboundStreams: 3, inboundStreams: 4, initialTSN: 5)
        for (type, isRead, isReported) in [
            (0x3F, false, false), (0x7F, false, true), (0xBF, true, false), (0xFF, true, true),
        ] as [(UInt8, Bool, Bool)] {
            var bytes = SCTPPacket.header(from: 1, to: 2, verificationTag: 0)
            SCTPChunk.initiation(initiation).write(to: &bytes)
            bytes += [type, 0xFE, 0, 5, 7, 0, 0, 0]
            bytes += [0xC0, 0, 0, 4]
            bytes.set(uint16: 20 + 12, at: 14)
            SCTPPacket.seal(&bytes)
            guard case .initiation(let read) = try SCTPPacket(parsing: bytes).chunks[0] else {
                Issue.record("no INIT")
                continue
            }
            #expect(read.extensions == (isRead ? .forwardTSN : []))
            #expect(read.unrecognized == (isReported ? [[type, 0xFE, 0, 5, 7]] : []))
        }
    }

    @Test func `TSNs compare across the wrap`() {
        let last = TSN(initial: .max)
        let next = TSN(0, near: last)
        #expect(next == last + 1 && last < next && next - last == 1)
        #expect(TSN(UInt32.max, near: next) == last)
    }

    @Test func `random bytes never trap`() {
        let random = SeededRandomSource(seed: 7)
        for _ in 0..<20_000 {
            var bytes = SCTPPacket.header(from: 5000, to: 5000, verificationTag: 1)
            let kinds: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 64, 130, 192, 194, 255]
            bytes += [kinds[random.below(kinds.count)]] + random.bytes(random.below(60))
            if bytes.count > 16, random.below(2) == 0 {
                bytes.set(uint16: UInt16(bytes.count - 12), at: 14)
            }
            SCTPPacket.seal(&bytes)
            if let packet = try? SCTPPacket(parsing: bytes) { #expect(!packet.bytes.isEmpty) }
        }
    }
}
