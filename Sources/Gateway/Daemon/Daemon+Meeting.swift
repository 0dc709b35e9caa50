import Calls
import Identity
import MQTT
import Media
import Meeting
import Wire

/// Pages that come by way of the meeting point, and the connection to it.
extension Daemon {
    // MARK: The connection

    func startMeeting(at now: Instant) {
        guard let url = configuration.meeting.url else { return }
        guard doorkeeper?.isAsked == true else {
            log.warning(
                "meeting: web.authentication is none: nobody could be told from others, so nobody comes that way")
            return
        }
        do throws(StateError) {
            guard let stateFolder else { throw StateError(description: "there is no folder to keep the door's key in") }
            try stateFolder.create()
            let keys = try MeetingKey(in: stateFolder).load()
            let point = MeetingPoint(
                configuration: configuration.meeting, url: url, keys: keys, random: random, at: now
            ) { [loop] in
                loop.submit { $0.takeBrokerEvents() }
            }
            meeting = point
            if !url.isSecure { log.warning("meeting: \(url) is not under TLS; others on the way see who meets when") }
            log.debug("meeting: connecting to \(url) as door \(point.sessions.door)")
            point.client.start()
        } catch {
            log.error("meeting: \(error); nobody reaches the door from outside")
        }
    }

    private func takeBrokerEvents() {
        guard let meeting, let url = configuration.meeting.url else { return }
        let now = MonotonicClock.now
        for event in meeting.client.takeEvents() {
            switch event {
            case .connected:
                log.info("meeting: connected to the meeting point \(url); the door can be called from outside")
                meeting.state = .connected
                meeting.isUnheard = false
                meeting.connections += 1
                meeting.sessions.handle(.connected, at: now)
                meeting.announce(random: random)
            case .message(let message):
                if let mailbox = meeting.sender(of: message) {
                    meeting.sessions.handle(.received(mailbox, message.payload), at: now)
                } else {
                    meeting.strays += 1
                }
                // one at a time: what a message leads to comes before the next
                while drainMeeting(at: now) { drainHub(at: now) }
            case .unpublished(let topic, let problem):
                let line = "meeting: the meeting point passes on nothing that the door says on \(topic): \(problem)"
                if meeting.isUnheard { log.debug(line) } else { log.warning(line) }
                meeting.isUnheard = true
            case .disconnected(let problem, let pause):
                tell(problem, pause: pause, url: url)
                meeting.state = .waiting(problem)
            }
        }
    }

    /// Says what is wrong, once for as long as it is the same.
    private func tell(_ problem: MQTTProblem, pause: Duration, url: Configuration.BrokerAddress) {
        var isNews = true
        if case .waiting(problem) = meeting?.state { isNews = false }
        let line =
            switch (meeting?.state, problem.isRefusal) {
            case (.connected, false): "meeting: lost the meeting point \(url): \(problem)"
            case (_, true): "meeting: the meeting point \(url) cannot be used: \(problem)"
            default: "meeting: cannot reach the meeting point \(url): \(problem)"
            }
        if isNews {
            log.warning("\(line); the door goes on trying")
        } else {
            log.debug("\(line); next attempt in \(pause.inWords)")
        }
    }

    // MARK: The sessions

    /// Does what the sessions want; true where they wanted anything.
    @discardableResult
    func drainMeeting(at now: Instant) -> Bool {
        var wasBusy = false
        while let output = meeting?.sessions.nextOutput() {
            wasBusy = true
            switch output {
            case .publish(let payload, let mailbox): meeting?.publish(payload, to: mailbox)
            case .introduced(let introduction): receive(introduction, at: now)
            case .opened(let mailbox, let key):
                // asked again: who was let in may have been sent away since
                guard let caller = doorkeeper?.caller(holding: key, at: .now),
                    doorkeeper?.permissions(of: caller, at: .now).contains(.call) == true
                else {
                    meeting?.sessions.handle(.end(mailbox), at: now)
                    continue
                }
                doorkeeper?.noteUse(of: caller, at: .now)
                join(as: caller, by: .meeting(mailbox), from: "outside", at: now)
            case .message(let mailbox, let text):
                guard let participant = participants[.meeting(mailbox)] else { continue }
                take(text, from: participant, at: now)
            case .closed(let mailbox, let end):
                leave(.meeting(mailbox), because: "meeting: \(end.rawValue)", at: now)
            }
        }
        return wasBusy
    }

    /// What a page says with its first message.
    private struct Greeting: Decodable {
        let version: Int
        /// The secret of an invitation.
        let invite: String?
        /// What the page runs on, for people.
        let device: String?
    }

    /// What it is told where it may come in.
    private struct Welcome: Encodable {
        let version = 1
    }

    /// What it is told where it may not.
    private struct Refusal: Encodable {
        let error: String
        let message: String

        static let unknownKey = Refusal(
            error: "unknown_key", message: "The door does not know this browser. Open the page once at home.")
        static let wrongVersion = Refusal(
            error: "bad_version", message: "The page and the door are of different versions. Load the page anew.")

        init(error: String, message: String) {
            self.error = error
            self.message = message
        }

        init(_ refusal: Doorkeeper.Refusal) {
            switch refusal {
            case .household(.wrongInvitation):
                self.init(error: "invitation_used", message: IdentityError.wrongInvitation.description)
            case .household(let error): self.init(error: error.word, message: error.description)
            case .notKept: self.init(error: "not_kept", message: "The door could not keep it. Try again.")
            case .busy: self.init(error: "busy", message: "There is too much to do. Try again.")
            }
        }
    }

    /// Finds out whether somebody may come in.
    private func receive(_ introduction: MeetingIntroduction, at now: Instant) {
        guard let doorkeeper else { return }
        let time = Timestamp.now
        guard let greeting = decoded(introduction.payload, as: Greeting.self), greeting.version == 1 else {
            return refuse(introduction.id, .wrongVersion, at: now)
        }
        if let caller = doorkeeper.caller(holding: introduction.key, at: time),
            doorkeeper.permissions(of: caller, at: time).contains(.call)
        {
            return admit(introduction.id, at: now)
        }
        guard let secret = greeting.invite else { return refuse(introduction.id, .unknownKey, at: now) }
        guard doorkeeper.isInvitation(secret, at: time) else {
            return refuse(introduction.id, Refusal(.household(.wrongInvitation)), at: now)
        }
        doorkeeper.change { (household, means) throws(IdentityError) in
            let entry = try household.join(
                invitation: secret, device: greeting.device ?? "Browser", random: means.random, hashing: means.hashing,
                at: means.now)
            try household.setMeetingKey(introduction.key, of: entry.session.id)
            return entry
        } then: { [loop] result in
            loop.submit { $0.finish(introduction, with: result) }
        }
    }

    private func finish(_ introduction: MeetingIntroduction, with result: Result<Household.Entry, Doorkeeper.Refusal>) {
        let now = MonotonicClock.now
        switch result {
        case .success(let entry):
            let name = doorkeeper?.household.person(entry.person)?.name ?? ""
            log.info("people: “\(name)” came in by an invitation, from outside the house")
            admit(introduction.id, at: now)
        case .failure(let refusal): refuse(introduction.id, Refusal(refusal), at: now)
        }
    }

    private func admit(_ id: HandshakeID, at now: Instant) {
        meeting?.sessions.handle(.admitted(id, payload: Array(encodeAsJSON(Welcome()).utf8)), at: now)
    }

    private func refuse(_ id: HandshakeID, _ refusal: Refusal, at now: Instant) {
        log.debug("meeting: somebody was refused: \(refusal.error)")
        meeting?.sessions.handle(.refused(id, payload: Array(encodeAsJSON(refusal).utf8)), at: now)
    }
}
