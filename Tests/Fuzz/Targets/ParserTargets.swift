import Calls
import FoundationEssentials
import ICE
import Media
import RTP
import SDP
import Wire

func fuzzSTUN(_ bytes: [UInt8]) {
    guard let message = try? STUNMessage(parsing: bytes) else { return }
    let key = STUNKey(password: "fuzzed")
    _ = message.isAuthentic(key)
    _ = message.hasIntegrity
    // what was read can be written, and read again
    let copy = STUNMessage(
        message.messageClass, method: message.method, transactionID: message.transactionID,
        attributes: message.attributes)
    let text = copy.serialized(key: key)
    guard text.count <= 1500 else { return }
    guard let again = try? STUNMessage(parsing: text) else { preconditionFailure("our own message is refused") }
    precondition(again.attributes == message.attributes, "an attribute has changed on the way")
    precondition(again.isAuthentic(key), "our own message is not authentic")
}

func fuzzSDP(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let session = try? SessionDescription(parsing: text) else { return }
    for (index, section) in session.media.enumerated() {
        _ = session.transportSection(for: index)
        for codec in section.codecs {
            _ = codec.associatedPayloadType
            _ = H264Parameters(codec)
            _ = section.retransmissionCodec(for: codec.payloadType)
        }
    }
    guard let again = try? SessionDescription(parsing: session.description) else {
        preconditionFailure("our own description is refused")
    }
    precondition(again.media.count == session.media.count, "a media description is lost")
}

func fuzzCandidate(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let candidate = try? ICECandidate(parsing: text) {
        guard let again = try? ICECandidate(parsing: candidate.attribute) else {
            preconditionFailure("our own candidate is refused")
        }
        precondition(again == candidate, "a candidate has changed on the way")
    }
    if let fragment = try? TrickleFragment(parsing: text) {
        precondition((try? TrickleFragment(parsing: fragment.description)) != nil, "our own fragment is refused")
    }
    _ = IPAddress(text)
}

func fuzzRTP(_ bytes: [UInt8]) {
    var map = HeaderExtensionMap()
    for (number, kind) in HeaderExtension.allCases.enumerated() { map[kind] = UInt8(number + 1) }
    var receiver = RTPReceiver(ssrc: 1, clockRate: 90_000, probation: 1)
    var nack = NACKGenerator()
    var reorderer = PacketReorderer()
    var now = Instant.zero + .seconds(10)
    for part in parts(of: bytes) {
        now += .milliseconds(7)
        guard let packet = try? RTPPacket(part[...]) else { continue }
        for element in packet.extensionElements { _ = element }
        _ = packet.extensionValues(map)
        _ = RetransmissionPayload.unwrap(packet, ssrc: 1, payloadType: 100)
        switch receiver.handle(packet.header, payloadBytes: packet.payload.count, at: now) {
        case .accepted(let sequence):
            nack.handle(sequence, at: now)
            _ = reorderer.handle(packet, sequence: sequence, at: now)
        case .restarted:
            nack.restart()
            reorderer.restart()
        case .duplicate, .unproven:
            break
        }
        while reorderer.nextPacket(at: now) != nil {}
        _ = nack.requests(at: now)
        _ = nack.requestKeyFrame()
        _ = receiver.reportBlock(at: now)
    }
}

func fuzzRTCP(_ bytes: [UInt8]) {
    _ = RTCPPacket.isRTCP(bytes)
    guard let packets = try? RTCPPacket.parse(bytes[...]) else { return }
    for packet in packets {
        var written: [UInt8] = []
        packet.write(to: &written)
        guard !written.isEmpty else { continue }
        precondition((try? RTCPPacket.parse(written[...])) != nil, "our own packet is refused")
    }
}

func fuzzH264(_ bytes: [UInt8]) {
    var depacketizer = H264Depacketizer(maximumFrameSize: 1 << 16)
    var sequence: Int64 = 0
    for part in parts(of: bytes) {
        guard let first = part.first else { continue }
        // the first byte: whether packets are missing, the marker, and the step of the timestamp
        sequence += first & 0x80 == 0 ? 1 : Int64(first & 7) + 1
        let header = RTPHeader(
            marker: first & 0x40 != 0, payloadType: 102, sequenceNumber: SequenceNumber(truncating: sequence),
            timestamp: RTPTimestamp(UInt32(first & 0x38) << 8), ssrc: 1)
        depacketizer.handle(RTPPacket(header: header, payload: part.dropFirst()), sequence: sequence)
        while let output = depacketizer.nextOutput() {
            guard case .frame(let frame) = output else { continue }
            for unit in frame.nalUnits {
                precondition(!unit.isEmpty && unit.upperBound <= frame.bytes.count, "a unit lies outside its frame")
            }
        }
    }
}

func fuzzAnnexB(_ bytes: [UInt8]) {
    var whole = AnnexBReader()
    var buffers = AnnexBReader()
    for part in parts(of: bytes) {
        // one stream in pieces, and buffers that each end with a picture
        whole.append(part)
        checkPictures { () throws(H264StreamError) in try whole.nextPicture() }
        buffers.append(part)
        guard checkPictures({ () throws(H264StreamError) in try buffers.finish() }) else {
            buffers.restart()
            continue
        }
    }
    checkPictures { () throws(H264StreamError) in try whole.finish() }
}

/// Takes every picture there is; false where one is an error.
@discardableResult
private func checkPictures(_ next: () throws(H264StreamError) -> AnnexBReader.Picture?) -> Bool {
    do throws(H264StreamError) {
        while let picture = try next() {
            let types = picture.nalUnits.map { picture.bytes[$0.lowerBound] & 0x1F }
            precondition(
                !types.isEmpty && types.allSatisfy { [1, 5, 7, 8].contains($0) }, "a unit that goes to no browser")
            precondition(types.contains(5) == picture.isKeyFrame, "a key frame without an IDR slice")
            precondition(!picture.isKeyFrame || types.first == 7, "a key frame without its parameter sets")
            precondition(picture.nalUnits.last?.upperBound == picture.bytes.count, "a unit lies outside its picture")
        }
        return true
    } catch {
        return false
    }
}

func fuzzOpus(_ bytes: [UInt8]) {
    var buffer = JitterBuffer()
    var now = Instant.zero + .seconds(10)
    for part in parts(of: bytes) {
        guard part.count >= 4 else { continue }
        let payload = part.dropFirst(4)
        _ = OpusPacket.isDiscontinuous(payload)
        if let samples = OpusPacket.sampleCount(payload) {
            precondition((1...OpusPacket.maximumSamples).contains(samples), "no packet is that long")
        }
        let sequence = SequenceNumber(UInt16(part[0]) << 8 | UInt16(part[1]))
        _ = buffer.push(payload, sequence: sequence, timestamp: RTPTimestamp(UInt32(part[2]) * 960), at: now)
        for _ in 0..<(part[3] & 7) {
            _ = buffer.next(at: now)
            now += .milliseconds(20)
        }
    }
}

func fuzzMessage(_ bytes: [UInt8]) {
    guard (try? BadMessage.check(bytes)) != nil else { return }
    _ = try? JSONDecoder().decode(ViewerMessage.self, from: Data(bytes))
}
