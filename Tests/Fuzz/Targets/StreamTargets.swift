import ICE
import SimulatedPeers
import Wire

/// The first byte says how the other bytes are cut on their way; then they are steps of what can happen to an agent's
/// connections.
func fuzzStream(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let rest = Array(bytes.dropFirst())
    let cut = Int(first) + 1
    precondition(frames(of: rest, cut: cut) == frames(of: rest, cut: .max), "frames depend on how their bytes come")
    precondition(
        messages(of: rest, cut: cut) == messages(of: rest, cut: .max), "messages depend on how their bytes come")
    var agent = StreamAgent()
    for part in parts(of: rest).prefix(64) { agent.take(part, cut: cut) }
    agent.end()
}

private func pieces(_ bytes: [UInt8], cut: Int) -> [[UInt8]] {
    guard cut < bytes.count else { return [bytes] }
    return stride(from: 0, to: bytes.count, by: cut).map { Array(bytes[$0..<min($0 + cut, bytes.count)]) }
}

private func frames(of bytes: [UInt8], cut: Int) -> [[UInt8]] {
    var reader = FrameReader()
    var frames: [[UInt8]] = []
    for piece in pieces(bytes, cut: cut) {
        reader.append(piece)
        while let frame = reader.next() { frames.append(frame) }
    }
    return frames
}

/// What a TURN client reads; nil at the end where what came is neither STUN nor ChannelData.
private func messages(of bytes: [UInt8], cut: Int) -> [[UInt8]?] {
    var reader = TURNStreamReader()
    var messages: [[UInt8]?] = []
    for piece in pieces(bytes, cut: cut) {
        reader.append(piece)
        do {
            while let message = try reader.next() { messages.append(message) }
        } catch {
            return messages + [nil]
        }
    }
    return messages
}

/// What a step of the target `stream` does with its bytes.
enum StreamStep: UInt8, CaseIterable {
    case bytes, frame, check, response, accept, opened, closed, time
}

/// An agent that both listens for connections and opens them, and the other side of all of these.
private struct StreamAgent {
    private var agent: ICEAgent
    private var now = Instant.zero + .seconds(10)
    private let random = SeededRandomSource(seed: 1)
    private let remote = ICECredentials(usernameFragment: "hostile", password: "the password of the stranger")
    /// Those that were accepted, or asked for, and are not closed.
    private var streams: [StreamID] = []
    private var lastRequest: STUNMessage?

    private static let listener = SocketAddress(.v4(0xC000_0201), port: 5000)
    private static let source = SocketAddress(.v4(0xC000_0202), port: 40_000)

    init() {
        var configuration = ICEConfiguration()
        configuration.usesActiveTCP = true
        agent = ICEAgent(
            role: .controlled, credentials: ICECredentials(random: random), random: random,
            configuration: configuration)
        tell(.localAddressAdded(Self.listener, preference: 65535))
        tell(.tcpListenerAdded(Self.listener, preference: 65534))
        tell(.gatheringEnded)
        tell(.remoteCredentials(remote, isLite: false))
        let text = "1 1 tcp 1518280447 192.0.2.3 700 typ host tcptype passive"
        guard let candidate = try? ICECandidate(parsing: text) else { preconditionFailure("a candidate can be read") }
        tell(.remoteCandidate(candidate))
        accept()
    }

    /// A step: its kind in a byte, which connection it is about, then what it is about.
    mutating func take(_ part: [UInt8], cut: Int) {
        guard part.count >= 2, let step = StreamStep(rawValue: part[0] % UInt8(StreamStep.allCases.count)) else {
            return
        }
        let rest = Array(part.dropFirst(2))
        let stream = streams.isEmpty ? nil : streams[Int(part[1]) % streams.count]
        switch step {
        case .bytes:
            for piece in pieces(rest, cut: cut) { write(piece, on: stream) }
        case .frame:
            for piece in pieces(FrameReader.frame(rest), cut: cut) { write(piece, on: stream) }
        case .check:
            let username = "\(agent.credentials.usernameFragment):\(remote.usernameFragment)"
            let check = STUNMessage(
                .request, transactionID: .init(random: random), attributes: checkAttributes(rest, username))
            write(FrameReader.frame(check.serialized(key: STUNKey(password: agent.credentials.password))), on: stream)
        case .response:
            guard let request = lastRequest else { return }
            let response = STUNMessage(
                .successResponse, transactionID: request.transactionID,
                attributes: [.xorMappedAddress(Self.listener)] + checkAttributes(rest, "unknown"))
            write(FrameReader.frame(response.serialized(key: STUNKey(password: remote.password))), on: stream)
        case .accept: accept()
        case .opened: if let stream { tell(.streamOpened(stream)) }
        case .closed:
            guard let stream else { return }
            streams.removeAll { $0 == stream }
            tell(.streamClosed(stream))
        case .time: pass(.milliseconds(Int(rest.first ?? 0) * 50))
        }
    }

    mutating func end() {
        pass(.seconds(30))
        tell(.close)
        precondition(agent.deadline == nil, "a closed agent waits for something")
        precondition(streams.isEmpty, "a closed agent leaves connections open")
    }

    private mutating func accept() {
        if let stream = agent.acceptStream(local: Self.listener, remote: Self.source, at: now) {
            streams.append(stream)
        }
    }

    private mutating func write(_ bytes: [UInt8], on stream: StreamID?) {
        if let stream { tell(.streamBytes(stream, bytes)) }
    }

    private mutating func pass(_ duration: Duration) {
        let end = now + duration
        var calls = 0
        while let deadline = agent.deadline, deadline <= end {
            now = max(now, deadline)
            tell(.timePassed)
            calls += 1
            precondition(calls < 10_000, "time stands still")
        }
        now = end
    }

    private mutating func tell(_ input: ICEAgent.Input) {
        agent.handle(input, at: now)
        while let output = agent.nextOutput() {
            switch output {
            case .transmit(let bytes, _, _): note(bytes)
            case .write(let frame, _, _, _): note(Array(frame.dropFirst(2)))
            case .frame(let frame, _, _, _): precondition(!frame.isEmpty, "an empty frame says nothing")
            case .event(.streamWanted(let stream, _, _)): streams.append(stream)
            case .event(.streamUnwanted(let stream)): streams.removeAll { $0 == stream }
            case .event: break
            }
        }
    }

    private mutating func note(_ bytes: [UInt8]) {
        guard let message = try? STUNMessage(parsing: bytes) else { preconditionFailure("our own message is refused") }
        if message.messageClass == .request { lastRequest = message }
    }
}
