public import Wire

/// The door's end of the conversations with pages that reach it by way of a broker, whom neither side trusts.
///
/// ```
/// (none) ─ 01 opens with our key ─► introduced ─ admitted, 02 ─► answered ─ 03 that opens ─► open
///   ▲                                   │ refused, 02               │ too late              │ 04, left, silent, gap,
///   └───────────────────────────────────┴───────────────────────────┴───────────────────────┘ tampered, ended
/// ```
///
/// It never does I/O. After every `handle`, take what `nextOutput` gives until it gives nothing, and call
/// `handle(.timePassed, at:)` at `deadline`.
public struct MeetingSessions {
    /// What bounds it.
    public enum Limits {
        /// The most sessions at once, those that are not open yet among them.
        public static let sessions = 64
        /// The most handshakes a second, of all pages.
        public static let handshakesPerSecond = 20
        /// How long a page may take to send its first message, and the door to say whether it may come in.
        public static let patience = Duration.seconds(10)
        /// How long a page may be silent.
        public static let silence = Duration.seconds(50)
    }

    private struct Session {
        let id: HandshakeID
        /// The page's public key.
        let key: [UInt8]
        var phase: Phase
        /// When it is over if nothing happens.
        var ends: Instant
    }

    private enum Phase {
        case introduced(NoiseResponder)
        case answered(SealingKey, OpeningKey)
        case open(SealingKey, OpeningKey)
    }

    /// What pages are told the door by.
    public let door: DoorID
    private let keys: X25519KeyPair
    private let random: any RandomSource
    private var sessions: [MeetingMailbox: Session] = [:]
    private var handshakes: TokenBucket
    private var strays: TokenBucket
    private var nextID = 1
    private var outputs: [MeetingOutput] = []
    private var nextIndex = 0

    /// What was discarded so far, by reason.
    public private(set) var discards: [MeetingDiscard: Int] = [:]
    /// How many sessions are open.
    public var openCount: Int {
        sessions.values.count { if case .open = $0.phase { true } else { false } }
    }

    /// The sessions of the door with these keys.
    public init(keys: X25519KeyPair, random: any RandomSource, at now: Instant) {
        door = DoorID(of: keys.publicKey)
        self.keys = keys
        self.random = random
        let rate = Limits.handshakesPerSecond
        handshakes = TokenBucket(rate: rate, capacity: rate, at: now)
        strays = TokenBucket(rate: rate, capacity: rate, at: now)
    }

    /// When `handle(.timePassed, at:)` is due; nil for never.
    public var deadline: Instant? { sessions.values.lazy.map(\.ends).min() }

    /// The next thing to do, in order; nil when there is nothing.
    public mutating func nextOutput() -> MeetingOutput? {
        guard nextIndex < outputs.count else {
            outputs.removeAll(keepingCapacity: true)
            nextIndex = 0
            return nil
        }
        defer { nextIndex += 1 }
        return outputs[nextIndex]
    }

    /// Acts on what happened.
    public mutating func handle(_ input: MeetingInput, at now: Instant) {
        expire(at: now)
        switch input {
        case .connected:
            for mailbox in sorted() { close(mailbox, .reconnected, tellsPage: false) }
        case .received(let mailbox, let payload): take(payload, from: mailbox, at: now)
        case .admitted(let id, let payload): answer(id, payload, admits: true, at: now)
        case .refused(let id, let payload): answer(id, payload, admits: false, at: now)
        case .send(let mailbox, let text): send(text, to: mailbox)
        case .end(let mailbox): close(mailbox, .ended, tellsPage: true)
        case .timePassed: break
        }
    }

    // MARK: What comes

    private mutating func take(_ payload: [UInt8], from mailbox: MeetingMailbox, at now: Instant) {
        switch MeetingFrame(payload) {
        case .greeting(let message): greet(message, from: mailbox, at: now)
        case .sealed(let counter, let ciphertext): open(counter, ciphertext, from: mailbox, at: now)
        case .unknown, .farewell: close(mailbox, .left, tellsPage: false)
        case .answer, nil: discard(.badFrame)
        }
    }

    private mutating func greet(_ message: ArraySlice<UInt8>, from mailbox: MeetingMailbox, at now: Instant) {
        // a message may come twice, and a broker may repeat it: neither is to end what is there
        guard sessions[mailbox] == nil else { return discard(.repeatedHandshake) }
        guard handshakes.take(at: now) else { return discard(.tooManyHandshakes) }
        let responder: NoiseResponder
        do throws(NoiseError) {
            responder = try NoiseResponder(keys: keys, prologue: door.prologue(for: mailbox), message: message)
        } catch {
            return discard(.badHandshake)
        }
        guard makeRoom() else { return discard(.tooManySessions) }
        let id = HandshakeID(rawValue: nextID)
        nextID += 1
        sessions[mailbox] = Session(
            id: id, key: responder.remoteKey, phase: .introduced(responder), ends: now + Limits.patience)
        outputs.append(
            .introduced(
                MeetingIntroduction(
                    id: id, mailbox: mailbox, key: responder.remoteKey, payload: responder.payload)))
    }

    /// Sees to it that there is room for a session; one that is not open yet, and may be a broker's repetition of what a
    /// page once said, gives way. False where all are open.
    private mutating func makeRoom() -> Bool {
        guard sessions.count >= Limits.sessions else { return true }
        let waiting = sessions.filter { if case .open = $0.value.phase { false } else { true } }
        guard let oldest = waiting.min(by: { $0.value.id.rawValue < $1.value.id.rawValue }) else { return false }
        sessions[oldest.key] = nil
        discard(.tooManySessions)
        return true
    }

    private mutating func open(
        _ counter: UInt64, _ ciphertext: ArraySlice<UInt8>, from mailbox: MeetingMailbox, at now: Instant
    ) {
        switch sessions[mailbox]?.phase {
        case nil, .introduced:
            discard(.noSession)
            // the page learns that it has to begin anew; of a flood of strays not each is answered
            if sessions[mailbox] == nil, strays.take(at: now) { publish(.unknown, to: mailbox) }
        case .answered(let sealing, var opening):
            guard let text = opened(counter, ciphertext, by: &opening, from: mailbox), let session = sessions[mailbox]
            else { return }
            keep(.open(sealing, opening), for: mailbox, at: now)
            outputs.append(.opened(mailbox, key: session.key))
            deliver(text, from: mailbox)
        case .open(let sealing, var opening):
            guard let text = opened(counter, ciphertext, by: &opening, from: mailbox) else { return }
            keep(.open(sealing, opening), for: mailbox, at: now)
            deliver(text, from: mailbox)
        }
    }

    /// What a sealed frame says; nil where it says nothing, whatever that means for the session being done.
    private mutating func opened(
        _ counter: UInt64, _ ciphertext: ArraySlice<UInt8>, by key: inout OpeningKey, from mailbox: MeetingMailbox
    ) -> [UInt8]? {
        do throws(OpeningKey.Failure) {
            return try key.open(counter: counter, ciphertext)
        } catch {
            switch error {
            case .duplicate: discard(.duplicate)
            case .gap:
                discard(.gap)
                close(mailbox, .gap, tellsPage: true)
            case .notAuthentic:
                discard(.tampered)
                close(mailbox, .tampered, tellsPage: true)
            }
            return nil
        }
    }

    private mutating func keep(_ phase: Phase, for mailbox: MeetingMailbox, at now: Instant) {
        sessions[mailbox]?.phase = phase
        sessions[mailbox]?.ends = now + Limits.silence
    }

    private mutating func deliver(_ text: [UInt8], from mailbox: MeetingMailbox) {
        if MeetingSignal.ping.isSaid(by: text) {
            send(MeetingSignal.pong.text, to: mailbox)
        } else if !MeetingSignal.pong.isSaid(by: text) {
            outputs.append(.message(mailbox, text))
        }
    }

    // MARK: What goes

    private mutating func answer(_ id: HandshakeID, _ payload: [UInt8], admits: Bool, at now: Instant) {
        // the page may have left, or another taken its place, while it was found out whether it may come in
        guard let mailbox = sessions.first(where: { $0.value.id == id })?.key,
            case .introduced(let responder)? = sessions[mailbox]?.phase
        else { return }
        do throws(NoiseError) {
            let (message, keys) = try responder.answer(payload, ephemeral: X25519KeyPair(random: random))
            publish(.answer(message[...]), to: mailbox)
            if admits {
                sessions[mailbox]?.phase = .answered(SealingKey(keys.sending), OpeningKey(keys.receiving))
                sessions[mailbox]?.ends = now + Limits.patience
            } else {
                sessions[mailbox] = nil
            }
        } catch {
            discard(.badHandshake)
            sessions[mailbox] = nil
        }
    }

    private mutating func send(_ text: [UInt8], to mailbox: MeetingMailbox) {
        guard case .open(var sealing, let opening)? = sessions[mailbox]?.phase else { return }
        publish(sealing.seal(text), to: mailbox)
        sessions[mailbox]?.phase = .open(sealing, opening)
    }

    private mutating func publish(_ frame: MeetingFrame, to mailbox: MeetingMailbox) {
        outputs.append(.publish(frame.payload, to: mailbox))
    }

    // MARK: The end

    private mutating func close(_ mailbox: MeetingMailbox, _ end: MeetingEnd, tellsPage: Bool) {
        guard let session = sessions.removeValue(forKey: mailbox) else { return }
        if tellsPage { publish(.unknown, to: mailbox) }
        if case .open = session.phase { outputs.append(.closed(mailbox, end)) }
    }

    private mutating func expire(at now: Instant) {
        guard let deadline, deadline <= now else { return }
        for mailbox in sorted() {
            if let session = sessions[mailbox], session.ends <= now { close(mailbox, .silent, tellsPage: true) }
        }
    }

    /// The mailboxes in an order that is the same every time, so that a run can be replayed.
    private func sorted() -> [MeetingMailbox] {
        sessions.sorted { $0.value.id.rawValue < $1.value.id.rawValue }.map(\.key)
    }

    private mutating func discard(_ reason: MeetingDiscard) {
        discards[reason, default: 0] += 1
    }
}

/// What the two ends of a meeting say to each other to know that they are there.
enum MeetingSignal: String {
    case ping, pong

    /// The message.
    var text: [UInt8] { Array("{\"type\":\"\(rawValue)\"}".utf8) }

    /// Whether `message` is this one, with or without spaces.
    func isSaid(by message: [UInt8]) -> Bool {
        message.count <= 64 && message.filter { $0 != UInt8(ascii: " ") } == text
    }
}
