import Calls
import FoundationEssentials
import Identity
import Media
import Meeting
import PeerConnection
import Web
import Wire

/// How a page that is open reaches the door.
enum PageLink: Hashable, Sendable {
    /// By a WebSocket of its own.
    case webSocket(WebSocketID)
    /// From outside the house, by way of the meeting point.
    case meeting(MeetingMailbox)
}

/// Between the pages' links, the hub, and the peers.
extension Daemon {
    // MARK: From the pages

    func handle(_ event: WebEvent) {
        let now = MonotonicClock.now
        switch event {
        case .opened(let socket, let request):
            // asked again: who was let in may have been sent away while the connection came about
            guard let caller = doorkeeper?.caller(of: request, at: .now) else {
                web?.close(socket, code: 1008, reason: "signed out")
                return
            }
            join(as: caller, by: .webSocket(socket), from: request.remoteAddress, at: now)
        case .message(let socket, let text):
            guard let participant = participants[.webSocket(socket)] else { return }
            take(Array(text.utf8), from: participant, at: now)
        case .closed(let socket, let reason):
            leave(.webSocket(socket), because: "\(reason)", at: now)
        case .request(let id, let request):
            answer(request, as: id, at: now)
        }
    }

    /// A page is open.
    func join(as caller: Caller, by link: PageLink, from place: String, at now: Instant) {
        let participant = ParticipantID.random(from: random)
        participants[link] = participant
        links[participant] = link
        callers[participant] = caller
        log.debug("page \(participant.short) opened from \(place)")
        hub.handle(.viewerConnected(participant), at: now)
    }

    /// It is no longer.
    func leave(_ link: PageLink, because reason: String, at now: Instant) {
        guard let participant = participants.removeValue(forKey: link) else { return }
        links[participant] = nil
        callers[participant] = nil
        log.debug("page \(participant.short) closed (\(reason))")
        hub.handle(.viewerDisconnected(participant), at: now)
    }

    func take(_ text: [UInt8], from participant: ParticipantID, at now: Instant) {
        do {
            try BadMessage.check(text)
            let message = try JSONDecoder().decode(ViewerMessage.self, from: Data(text))
            hub.handle(.message(participant, named(message, from: participant)), at: now)
        } catch {
            hub.handle(.badMessage(participant, BadMessage(describing: error)), at: now)
        }
    }

    // MARK: From the hub

    /// Does what the hub wants; true where it wanted anything.
    @discardableResult
    func drainHub(at now: Instant) -> Bool {
        var wasBusy = false
        while let output = hub.nextOutput() {
            wasBusy = true
            switch output {
            case .send(let message, let participant):
                guard let link = links[participant] else { continue }
                send(encodeAsJSON(message), by: link, at: now)
            case .disconnect(let participant, let reason):
                guard let link = links[participant] else { continue }
                close(link, because: reason, at: now)
            case .startSession(let call, let participant):
                startSession(for: .call(call), at: now).caller = callers[participant] ?? .anybody
            case .endSession(let call, let reason):
                guard let id = calls.removeValue(forKey: call) else { continue }
                endSession(id, because: reason.rawValue, at: now)
            case .deliver(let call, let step):
                deliver(step, to: call, at: now)
            case .sendOnChannel(let message, let call):
                send(message, on: call, at: now)
            case .actuate(let control, let call, let id, let party):
                actuate(control, call, messageID: id, by: party, at: now)
            case .takeSnapshot(let call, let id):
                sendSnapshot(on: call, messageID: id)
            case .ringingChanged(let isRinging):
                chime?.set(isRinging, at: now, log: log)
            case .log(let event):
                write(event)
            }
        }
        return wasBusy
    }

    private func send(_ text: String, by link: PageLink, at now: Instant) {
        switch link {
        case .webSocket(let socket): web?.send(text, to: socket)
        case .meeting(let mailbox): meeting?.sessions.handle(.send(mailbox, Array(text.utf8)), at: now)
        }
    }

    /// Ends the connection with a page that broke the rules, or may no longer be here.
    func close(_ link: PageLink, because reason: String, at now: Instant) {
        switch link {
        case .webSocket(let socket): web?.close(socket, code: 1008, reason: reason)
        case .meeting(let mailbox): meeting?.sessions.handle(.end(mailbox), at: now)
        }
    }

    /// The message of our own or of a page's that `json` is; nil where it is none.
    func decoded<Value: Decodable>(_ json: [UInt8], as type: Value.Type) -> Value? {
        guard (try? BadMessage.check(json)) != nil else { return nil }
        return try? JSONDecoder().decode(type, from: Data(json))
    }

    func encodeAsJSON(_ message: some Encodable) -> String {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(message), as: UTF8.self)
        } catch {
            preconditionFailure("a message of our own can be encoded: \(error)")
        }
    }

    private func deliver(_ step: NegotiationStep, to call: CallID, at now: Instant) {
        guard let session = calls[call].flatMap({ sessions[$0] }) else { return }
        do throws(RTCError) {
            switch step {
            case .description(let description):
                // The door's tracks wait for the page's offer, whose media descriptions then take them.
                if description.type == .offer { session.addTracks() }
                if let answer = try session.negotiation.received(description, on: &session.peer, at: now) {
                    hub.handle(.negotiation(call, .description(answer)), at: now)
                }
            case .candidate(let candidate):
                try session.negotiation.received(candidate, on: &session.peer, at: now)
            }
        } catch {
            hub.handle(.negotiationFailed(call, error.description), at: now)
        }
    }

    // MARK: The log

    private func write(_ event: HubEvent) {
        switch event {
        case .viewerJoined(let participant): log.debug("page \(participant.short) joined")
        case .viewerLeft(let party): log.debug("“\(party.name)” left")
        case .rang(_, let viewers):
            log.info("ring: the button was pressed; \(viewers.pages) ring\(viewers <= 1 ? "s" : "")")
        case .pressedWhileRinging: log.info("ring: the button was pressed again")
        case .declined(_, let party): log.info("ring: “\(party.name)” declined")
        case .answered(_, let party, let after): log.info("ring: “\(party.name)” answered after \(after.inWords)")
        case .ringEnded(_, let reason): log.info("ring: over, \(reason.inWords)")
        case .viewerRang(_, let caller, let callee): log.info("call: “\(caller.name)” calls “\(callee.name)”")
        case .viewerAnswered(_, let party, let after): log.info("call: “\(party.name)” answered after \(after.inWords)")
        case .directCallEnded(_, let caller, let callee, let reason, let duration):
            let length = duration.map { " after \($0.inWords)" } ?? ""
            log.info("call: between “\(caller.name)” and “\(callee.name)” over\(length): \(reason.inWords)")
        case .callStarted(_, let party): log.info("call: “\(party.name)” calls the door")
        case .callConnected(_, let after): log.debug("call: media connected after \(after.inWords)")
        case .callInterrupted(_, let party): log.info("call: “\(party.name)” lost the connection; waiting for it")
        case .callResumed(_, let party, let keepsMedia):
            log.info("call: “\(party.name)” is back\(keepsMedia ? "" : ", with a new connection")")
        case .missedSeen(let party, let left):
            log.info("ring: “\(party.name)” saw what was missed\(left > 0 ? ", but for \(left)" : "")")
        case .controlled(let control, let party, .done): log.info("door: \(control.inWords), for “\(party.name)”")
        case .controlled(let control, let party, .refused(let code, let reason)):
            log.warning("door: not \(control.inWords), for “\(party.name)”: \(code.rawValue): \(reason)")
        case .callEnded(_, let party, let reason, let detail, let duration):
            let detail = detail.map { " (\($0))" } ?? ""
            log.info("call: “\(party.name)” is gone after \(duration.inWords): \(reason.inWords)\(detail)")
        case .refused(let participant, let code, let reason):
            log.debug("page \(participant.short): \(code.rawValue): \(reason)")
        case .flooded(let participant):
            log.warning("page \(participant.short) sends too much and was cut off")
        }
    }
}

extension ParticipantID {
    /// Enough of the identifier to tell pages apart in a log.
    var short: Substring { rawValue.prefix(6) }
}

extension Int {
    fileprivate var pages: String { self == 1 ? "one page" : self == 0 ? "no page" : "\(self) pages" }
}

extension DoorControl {
    /// For the log.
    fileprivate var inWords: String {
        switch self {
        case .unlock: "unlocked"
        case .light(let isOn): isOn ? "lit" : "darkened"
        }
    }
}

extension EndReason {
    /// For the log.
    var inWords: String {
        switch self {
        case .hangup: "hung up"
        case .unanswered: "nobody answered"
        case .rejected: "everybody declined"
        case .maxDuration: "the longest call allowed is over"
        case .peerFailed: "no connection came about"
        case .connectionLost: "the connection was lost"
        case .recipientOffline: "who was called is gone"
        case .door: "the door was answered or called"
        case .shutdown: "the daemon is stopping"
        }
    }
}
