import ICE
import PeerConnection
import SCTP
import SDP
import SimulatedPeers
import Wire

/// The first byte says whom the text meets: a fresh connection, one that has made an offer, or one in a call.
func fuzzNegotiation(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let peer = HostilePeer(seed: 1)
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    let now = peer.now
    switch first & 3 {
    case 0: take(.offer, text, by: &peer.victim, at: now)
    case 1:
        try? peer.victim.setLocalDescription(at: now)
        take(.answer, text, by: &peer.victim, at: now)
    case 2:
        _ = try? peer.connect()
        take(.offer, text, by: &peer.victim, at: peer.now)
    default:
        take(.offer, text, by: &peer.victim, at: now)
        take(.offer, text, by: &peer.victim, at: now)
        try? peer.victim.setRemoteDescription(RTCSessionDescription(type: .rollback, sdp: ""), at: now)
    }
    peer.pass(.seconds(1))
    // whatever has become of it, an honest offer of its own can still be made, and it can be closed
    peer.victim.restartIce()
    try? peer.victim.setLocalDescription(at: peer.now)
    _ = peer.victim.localDescription
    peer.victim.close(at: peer.now)
    precondition(peer.victim.connectionState == .closed)
}

private func take(_ type: RTCSdpType, _ text: String, by victim: inout RTCPeerConnection, at now: Instant) {
    try? victim.setRemoteDescription(RTCSessionDescription(type: type, sdp: text), at: now)
    guard victim.signalingState == .haveRemoteOffer else { return }
    try? victim.setLocalDescription(at: now)
    guard let answer = victim.localDescription?.sdp else { preconditionFailure("an answer was made") }
    precondition((try? SessionDescription(parsing: answer)) != nil, "our own answer is refused")
}

/// What a step of the target `peer` does with its bytes.
enum PeerStep: UInt8, CaseIterable {
    case datagram, strangersDatagram, rtp, rtcp, dtlsMessage, check, response, time, offer, candidate, replay
    /// A message on a stream, whose number and kind are bytes; chunks of the association; a reset of streams; and what the
    /// application of the one that is attacked does with its channels.
    case dataMessage, chunks, streamReset, application
    /// What becomes of a connection or of a server's socket; and a TURN server's answer.
    case stream, answer
}

/// A call with data channels is up, and then come steps: their kind in a byte, then what it is about. The victim has TURN
/// servers that the steps speak for, and listens for TCP connections.
func fuzzPeer(_ bytes: [UInt8]) {
    let peer = HostilePeer(seed: 1, hasData: true) { configuration in
        let urls = ["turn:203.0.113.1", "turn:203.0.113.1?transport=tcp"].compactMap { RTCIceServerURL($0) }
        configuration.iceServers = [RTCIceServer(urls: urls, username: "ann", credential: "secret")]
        configuration.ice.usesActiveTCP = true
    }
    peer.tell(.tcpListenerAdded(HostilePeer.victimAddress, preference: 65534))
    guard (try? peer.connect()) == true else { preconditionFailure("an honest call comes up") }
    var last: [UInt8] = []
    for part in parts(of: bytes).prefix(64) {
        guard let first = part.first,
            let step = PeerStep(rawValue: first % UInt8(PeerStep.allCases.count))
        else { continue }
        let rest = Array(part.dropFirst())
        switch step {
        case .datagram:
            last = rest
            peer.inject(rest)
        case .strangersDatagram: peer.inject(rest, from: HostilePeer.stranger)
        case .rtp:
            guard let packet = peer.protected(rtp: rest) else { continue }
            last = packet
            peer.inject(packet)
        case .rtcp:
            guard let packet = peer.protected(rtcp: rest) else { continue }
            last = packet
            peer.inject(packet)
        case .dtlsMessage:
            if !rest.isEmpty { peer.send(message: rest) }
        case .check: peer.inject(peer.authentic(.request, checkAttributes(rest, peer.username)))
        case .response: peer.inject(peer.authentic(.successResponse, checkAttributes(rest, peer.username)))
        case .time: peer.pass(.milliseconds(Int(rest.first ?? 0) * 20))
        case .offer: take(.offer, String(decoding: rest, as: UTF8.self), by: &peer.victim, at: peer.now)
        case .candidate:
            let candidate = RTCIceCandidate(
                candidate: String(decoding: rest, as: UTF8.self), sdpMid: nil, sdpMLineIndex: 0)
            try? peer.victim.addIceCandidate(candidate, at: peer.now)
        case .replay: peer.inject(last)
        case .dataMessage:
            guard rest.count > 2 else { continue }
            peer.send(
                SCTPMessage(
                    stream: SCTPStreamIdentifier(UInt16(rest[0])),
                    payloadProtocol: PayloadProtocolIdentifier(UInt32(rest[1] & 0x7F)),
                    payload: Array(rest.dropFirst(2)), isUnordered: rest[1] & 0x80 != 0))
        case .chunks: peer.send(chunks: rest)
        case .streamReset: peer.reset(rest.map { SCTPStreamIdentifier(UInt16($0)) })
        case .application: useChannels(rest, of: peer)
        case .stream: takeStream(rest, of: peer)
        case .answer:
            guard let kind = rest.first, let request = try? STUNMessage(parsing: peer.lastStray) else { continue }
            let answer = serversAnswer(
                to: request, kind & 1 == 0 ? .successResponse : .errorResponse, Array(rest.dropFirst(2)),
                password: kind & 2 == 0 ? "secret" : nil)
            peer.tell(.streamBytes(StreamID(rawValue: Int(rest.dropFirst().first ?? 0)), answer))
        }
        checkChannels(of: peer.victim)
    }
    peer.pass(.seconds(2))
    peer.victim.close(at: peer.now)
    peer.pass(.milliseconds(1))
    precondition(peer.victim.dataChannels.isEmpty, "a closed connection has channels")
    precondition(peer.victim.deadline == nil, "a closed connection waits for something")
}

/// Each byte is a call of the victim's application: what it does in its first two bits, and to which of its channels.
private func useChannels(_ bytes: [UInt8], of peer: HostilePeer) {
    for byte in bytes.prefix(32) {
        let channels = peer.victim.dataChannels
        let index = Int(byte >> 2)
        guard byte & 3 > 0, channels.indices.contains(index) else {
            _ = try? peer.victim.createDataChannel("\(byte)", .init(ordered: byte & 4 == 0), at: peer.now)
            continue
        }
        switch byte & 3 {
        case 1: try? peer.victim.send(.string("\(byte)"), on: channels[index].id, at: peer.now)
        case 2: try? peer.victim.send(.binary([]), on: channels[index].id, at: peer.now)
        default: peer.victim.closeDataChannel(channels[index].id, at: peer.now)
        }
    }
    peer.pass(.milliseconds(1))
}

/// What holds of a connection's channels whatever has come.
private func checkChannels(of victim: RTCPeerConnection) {
    let channels = victim.dataChannels
    let streams = channels.compactMap(\.streamIdentifier)
    precondition(Set(streams).count == streams.count, "two channels have one stream")
    precondition(channels.allSatisfy { $0.bufferedAmount >= 0 && $0.readyState != .closed })
}

/// What becomes of a connection or of a server's socket: what in the first byte, which in the second.
private func takeStream(_ bytes: [UInt8], of peer: HostilePeer) {
    guard bytes.count >= 2 else { return }
    let stream = StreamID(rawValue: Int(bytes[1]))
    let rest = Array(bytes.dropFirst(2))
    switch bytes[0] & 7 {
    case 0:
        let local = SocketAddress(HostilePeer.victimAddress.ip, port: 40_000 + UInt16(bytes[1]))
        peer.tell(.streamOpened(stream, local: local, remote: HostilePeer.stranger))
    case 1: peer.tell(.streamClosed(stream))
    case 2:
        guard let fragment = peer.victim.localUsernameFragments.first else { return }
        _ = peer.victim.acceptStream(
            for: fragment, local: HostilePeer.victimAddress, remote: HostilePeer.stranger, at: peer.now)
    case 3: peer.tell(.streamBytes(stream, rest))
    case 4: peer.tell(.streamBytes(stream, FrameReader.frame(rest)))
    case 5:
        let check = peer.authentic(.request, checkAttributes(rest, peer.username))
        peer.tell(.streamBytes(stream, FrameReader.frame(check)))
    case 6:
        guard let packet = peer.protected(rtp: rest) else { return }
        peer.tell(.streamBytes(stream, FrameReader.frame(packet)))
    default: peer.tell(.nameResolved("\(String(decoding: rest, as: UTF8.self)).local", [HostilePeer.stranger.ip]))
    }
}

/// Attributes of a check: the first byte says which of the usual ones it has, the rest is one more.
func checkAttributes(_ bytes: [UInt8], _ username: String) -> [STUNAttribute] {
    guard let first = bytes.first else { return [] }
    var attributes: [STUNAttribute] = []
    if first & 1 != 0 { attributes.append(.username(username)) }
    if first & 2 != 0 { attributes.append(.priority(UInt32(first) << 24)) }
    if first & 4 != 0 { attributes.append(.iceControlling(UInt64(first))) }
    if first & 8 != 0 { attributes.append(.iceControlled(.max)) }
    if first & 16 != 0 { attributes.append(.useCandidate) }
    if first & 32 != 0 { attributes.append(.xorMappedAddress(HostilePeer.address)) }
    if bytes.count > 3 {
        let type = UInt16(bytes[1]) << 8 | UInt16(bytes[2])
        attributes.append(.other(type: type, value: Array(bytes.dropFirst(3))))
    }
    return attributes
}
