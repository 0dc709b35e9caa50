import DTLS
import FoundationEssentials
import Gateway
import Glibc
import Media
import PeerConnection

/// The peer, its socket, and what it sends and receives.
final class InteropPeer {
    private let socket: UDPSocket
    private var peer: RTCPeerConnection?
    private var negotiation = PerfectNegotiation(isPolite: false)
    private var folder: String?
    private var tracks: [(id: TransceiverID, track: any OutgoingTrack)] = []
    private var incoming: [TransceiverID: IncomingMedia] = [:]
    private var active: Set<TransceiverID> = []
    /// What has come on each data channel, by its label.
    private var messages: [String: [Message]] = [:]
    private var input: [UInt8] = []
    private var isEnded = false

    /// A track's next frame is asked for so often.
    private static let tick = Duration.milliseconds(5)

    init(on address: IPAddress) throws {
        socket = try UDPSocket(bindingTo: SocketAddress(address, port: 0))
    }

    /// Takes part until the input ends.
    func run() throws {
        while !isEnded {
            wait(at: MonotonicClock.now)
            try readCommands()
            try step(at: MonotonicClock.now)
        }
        peer?.close(at: MonotonicClock.now)
        flush()
    }

    private func wait(at now: Instant) {
        let next = earliest(peer?.deadline, tracks.isEmpty ? nil : now + Self.tick) ?? now + .seconds(1)
        var waiting = [STDIN_FILENO, socket.descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&waiting, nfds_t(waiting.count), Int32(max(0, min((next - now).milliseconds.rounded(.up), 1000))))
    }

    private func step(at now: Instant) throws {
        while socket.receive({ bytes, remote in
            peer?.handle(.datagram(bytes, local: socket.local, remote: remote), at: now)
        }) {}
        if let deadline = peer?.deadline, deadline <= now { peer?.handle(.timePassed, at: now) }
        try drain(at: now)
        for (id, track) in tracks {
            guard let frame = try track.nextFrame() else { continue }
            guard peer?.canSend(on: id) == true else {
                // what is not sent is not there to refer to
                track.requestKeyFrame()
                continue
            }
            peer?.send(frame, on: id, at: now)
        }
        flush()
    }

    private func flush() {
        guard peer != nil else { return }
        _ = socket.send(peer!.outbox.storage, peer!.outbox.entries[...])
        peer!.outbox.removeAll()
    }

    // MARK: Events

    private func drain(at now: Instant) throws {
        while let event = peer?.nextOutput() { try take(event, at: now) }
    }

    private func take(_ event: RTCPeerConnection.Event, at now: Instant) throws {
        switch event {
        case .negotiationNeeded: tell(Notice(event: "negotiationneeded"))
        case .iceCandidate(let candidate): tell(Notice(event: "icecandidate", candidate: candidate))
        case .connectionStateChanged(let state): tell(Notice(event: "connectionstatechange", state: state.rawValue))
        case .iceConnectionStateChanged(let state):
            tell(Notice(event: "iceconnectionstatechange", state: state.rawValue))
        case .signalingStateChanged(let state): tell(Notice(event: "signalingstatechange", state: state.rawValue))
        case .track(let id, _, let isActive):
            if isActive { active.insert(id) } else { active.remove(id) }
            tell(Notice(event: "track", mid: transceiver(id)?.mid, isActive: isActive))
        case .packet(let id, let packet, let sequence):
            let isSound = transceiver(id)?.kind == .audio
            try media(of: id).take(packet, sequence: sequence, isSound: isSound, at: now)
        case .accessUnit(let id, let frame): try media(of: id).take(frame)
        case .keyFrameRequested(let id): tracks.first { $0.id == id }?.track.requestKeyFrame()
        case .message(let id, let message):
            if let label = peer?.dataChannel(id)?.label { messages[label, default: []].append(Message(message)) }
        case .nameWanted(let name): peer?.handle(.nameResolved(name, []), at: now)
        default: break
        }
    }

    private func transceiver(_ id: TransceiverID) -> RTCRtpTransceiver? {
        peer?.allTransceivers.first { $0.id == id }
    }

    private func media(of id: TransceiverID) throws -> IncomingMedia {
        if let known = incoming[id] { return known }
        let transceiver = transceiver(id)
        let path = folder.flatMap { folder in
            transceiver?.kind == .video ? transceiver?.mid.map { "\(folder)/\($0).h264" } : nil
        }
        let made = try IncomingMedia(recordingTo: path)
        incoming[id] = made
        return made
    }

    // MARK: Commands

    private func readCommands() throws {
        var waiting = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 0) == 1 else { return }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        guard count > 0 else {
            isEnded = count == 0 || errno != EINTR
            return
        }
        input += bytes[..<count]
        while let end = input.firstIndex(of: UInt8(ascii: "\n")) {
            let line = Data(input[..<end])
            input.removeSubrange(...end)
            let command = try JSONDecoder().decode(Command.self, from: line)
            var reply = Reply(id: command.id)
            do {
                try obey(command, reply: &reply, at: MonotonicClock.now)
            } catch {
                reply.error = "\(error)"
            }
            tell(reply)
            try drain(at: MonotonicClock.now)
            flush()
        }
    }

    private func obey(_ command: Command, reply: inout Reply, at now: Instant) throws {
        if command.action == .create { return try create(command, at: now) }
        guard peer != nil else { throw CommandError("there is no connection yet") }
        switch command.action {
        case .create: break
        case .addTrack: reply.track = try addTrack(command)
        case .removeTrack: try removeTrack(command)
        case .offer:
            guard let offer = try negotiation.negotiationNeeded(on: &peer!, at: now) else {
                throw CommandError("an exchange is under way")
            }
            reply.describe(offer)
        case .description:
            let description = RTCSessionDescription(
                type: try command.required(command.type, "type"), sdp: try command.required(command.sdp, "sdp"))
            if let answer = try negotiation.received(description, on: &peer!, at: now) { reply.describe(answer) }
        case .candidate:
            let text = try command.required(command.candidate, "candidate")
            let candidate = RTCIceCandidate(
                candidate: text, sdpMid: command.sdpMid, sdpMLineIndex: command.sdpMLineIndex)
            try negotiation.received(candidate, on: &peer!, at: now)
        case .createDataChannel:
            _ = try peer!.createDataChannel(command.required(command.label, "label"), at: now)
        case .send: try send(command, at: now)
        case .messages: reply.messages = messages[try command.required(command.label, "label")] ?? []
        case .restartIce: peer!.restartIce()
        case .state: reply.state = state
        case .stats: reply.stats = peer!.getStats(at: now)
        case .close: peer!.close(at: now)
        }
    }

    private func create(_ command: Command, at now: Instant) throws {
        guard peer == nil else { throw CommandError("there is a connection already") }
        var configuration = RTCPeerConnection.Configuration(
            certificate: try DTLSCertificate(generatedAt: Int64(time(nil))))
        configuration.prefersDTLSServer = command.dtlsServer ?? true
        configuration.bundlePolicy = command.bundlePolicy ?? .balanced
        folder = command.record
        negotiation = PerfectNegotiation(isPolite: command.polite ?? false)
        var made = RTCPeerConnection(configuration: configuration, random: SystemRandomSource())
        made.handle(.localAddressAdded(socket.local, preference: 65535), at: now)
        made.handle(.localAddressesEnded, at: now)
        peer = made
    }

    private func addTrack(_ command: Command) throws -> Int {
        let kind = MediaKind(try command.required(command.kind, "kind"))
        let track: any OutgoingTrack
        switch kind {
        case .video:
            let size = VideoSize(
                width: try command.required(command.width, "width"),
                height: try command.required(command.height, "height"))
            track = try CardTrack(size: size)
        case .audio: track = try ToneTrack()
        case .application, .other: throw CommandError("a track is audio or video")
        }
        // one more of its kind gets a media description of its own; `addTrack` could take one that the other side has left
        let isFirst = !peer!.allTransceivers.contains { transceiver in
            tracks.contains { $0.id == transceiver.id } && transceiver.kind == kind
        }
        let id =
            isFirst
            ? peer!.addTrack(kind, streamID: "interop")
            : peer!.addTransceiver(kind, direction: .sendrecv, streamID: "interop")
        tracks.append((id, track))
        return tracks.count - 1
    }

    private func removeTrack(_ command: Command) throws {
        let number = try command.required(command.track, "track")
        guard tracks.indices.contains(number) else { throw CommandError("there is no track \(number)") }
        try peer!.removeTrack(tracks[number].id)
    }

    private func send(_ command: Command, at now: Instant) throws {
        let label = try command.required(command.label, "label")
        guard let channel = peer!.dataChannels.first(where: { $0.label == label }) else {
            throw CommandError("there is no channel \"\(label)\"")
        }
        let text = command.text.map { DataChannelMessage.string($0) }
        let message = try text ?? .binary(Array(command.required(command.bytes, "bytes")))
        try peer!.send(message, on: channel.id, at: now)
    }

    private var state: StateReport {
        let transceivers = peer!.allTransceivers
        let roles: [RTCTransportStats] = peer!.getStats(at: MonotonicClock.now).all()
        return StateReport(
            connectionState: peer!.connectionState.rawValue, iceConnectionState: peer!.iceConnectionState.rawValue,
            signalingState: peer!.signalingState.rawValue,
            dtlsRole: roles.first?.dtlsRole,
            usernameFragments: peer!.localUsernameFragments,
            media: transceivers.map { transceiver in
                let media = incoming[transceiver.id]
                return .init(
                    kind: "\(transceiver.kind)", mid: transceiver.mid, isActive: active.contains(transceiver.id),
                    packets: media?.packets ?? 0, pictures: media?.pictures ?? 0, keyFrames: media?.keyFrames ?? 0,
                    level: media?.level, frequency: media?.frequency)
            },
            discards: Dictionary(uniqueKeysWithValues: peer!.discards.map { ($0.key.rawValue, $0.value) }))
    }

    // MARK: Output

    private func tell(_ line: some Encodable) {
        guard var bytes = try? Array(JSONEncoder().encode(line)) else { return }
        bytes.append(UInt8(ascii: "\n"))
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(STDOUT_FILENO, Array(rest), rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                isEnded = true
                return
            }
            rest = rest.dropFirst(count)
        }
    }
}

extension Reply {
    fileprivate mutating func describe(_ description: RTCSessionDescription) {
        type = description.type
        sdp = description.sdp
    }
}
