import PeerConnection
import Wire

/// What pages and the door do: connecting, calling, ringing, answering, ending.
extension CallHub {
    // MARK: Pages

    mutating func connect(_ id: ParticipantID, at now: Instant) {
        guard viewers[id] == nil else { return }
        viewers[id] = Viewer(
            name: "Viewer \(id.rawValue.prefix(4))", call: nil,
            bucket: TokenBucket(
                rate: configuration.messagesPerSecond, capacity: configuration.messageBurst, at: now))
        tell(
            id,
            .welcome(
                .init(
                    id: id, doorName: configuration.doorName, devices: devices, iceServers: iceServers,
                    iceTransportPolicy: configuration.iceTransportPolicy, ringTimeout: configuration.ringTimeout,
                    maxCallDuration: configuration.maxCallDuration)))
        emit(.log(.viewerJoined(id)))
        announcePresence(at: now)
        // who opens the page because the bell rang finds it ringing
        if let ring, !isShuttingDown {
            self.ring?.ringing.insert(id)
            tell(id, incoming(ring, at: now))
        }
    }

    mutating func disconnect(_ id: ParticipantID, at now: Instant) {
        guard let viewer = viewers[id] else { return }
        if let call = viewer.call { end(call, .hangup, detail: "the page was closed or lost", isGone: true, at: now) }
        emit(.log(.viewerLeft(party(id))))
        viewers[id] = nil
        // The last one gone does not end the ring: somebody may open the page.
        ring?.ringing.remove(id)
        announcePresence(at: now)
    }

    /// Whether a message of `id` is to be looked at; one who floods is thrown out.
    mutating func admit(_ id: ParticipantID, at now: Instant) -> Bool {
        guard viewers[id] != nil else { return false }
        if viewers[id]?.bucket.take(at: now) == true { return true }
        emit(.log(.flooded(id)))
        disconnect(id, at: now)
        emit(.disconnect(id, "too many messages"))
        return false
    }

    mutating func change(to new: DoorDevices) {
        guard new != devices else { return }
        devices = new
        tellAll { _ in .door(new) }
    }

    // MARK: Messages

    mutating func take(_ message: ViewerMessage, from id: ParticipantID, at now: Instant) {
        switch message {
        case .presence(let name):
            guard viewers[id]?.name != name else { return }
            viewers[id]?.name = name
            announcePresence(at: now)
        case .callInitiate(let recipient): initiate(recipient, by: id, at: now)
        case .callAccept(let call): accept(call, by: id, at: now)
        case .callReject(let call): reject(call, by: id, at: now)
        case .callHangup(let call):
            guard calls[call]?.viewer == id else { return refuseUnknown(call, id, "call-hangup") }
            end(call, .hangup, by: party(id), at: now)
        case .negotiation(let call, let step):
            guard calls[call]?.viewer == id else {
                // A candidate that crossed with the end of its call is no mistake.
                guard case .description(let description) = step else { return }
                return refuseUnknown(call, id, description.type == .offer ? "call-offer" : "call-answer")
            }
            emit(.deliver(call, step))
        }
    }

    private mutating func refuseUnknown(_ call: CallID, _ id: ParticipantID, _ type: String) {
        refuse(id, .unknownCall, "you have no part in a call of this name", call: call, inReplyTo: type)
    }

    private mutating func initiate(_ recipient: ParticipantID, by id: ParticipantID, at now: Instant) {
        let type = "call-initiate"
        guard recipient != id else {
            return refuse(id, .notAllowed, "nobody calls himself", inReplyTo: type)
        }
        guard recipient == .door || viewers[recipient] != nil else {
            return refuse(id, .recipientOffline, "nobody of this name is here", inReplyTo: type)
        }
        guard recipient == .door else {
            return refuse(id, .notAllowed, "only the door can be called", inReplyTo: type)
        }
        if let call = viewers[id]?.call {
            return refuse(id, .notAllowed, "you are in a call with the door already", call: call, inReplyTo: type)
        }
        guard !isShuttingDown, calls.count < configuration.maximumCalls else {
            return refuse(id, .busy, "the door has as many calls as it can serve", inReplyTo: type)
        }
        let call = CallID.random(from: random)
        tell(id, .callAccepted(call, by: Party(id: .door, name: configuration.doorName), continues: nil))
        start(call, with: id, at: now)
    }

    private mutating func start(_ call: CallID, with id: ParticipantID, at now: Instant) {
        calls[call] = Call(viewer: id, began: now)
        viewers[id]?.call = call
        emit(.startSession(call, id))
        emit(.log(.callStarted(call, with: party(id))))
        announcePresence(at: now)
    }

    mutating func connected(_ call: CallID, at now: Instant) {
        guard let began = calls[call]?.began, calls[call]?.isConnected == false else { return }
        calls[call]?.isConnected = true
        emit(.log(.callConnected(call, after: now - began)))
    }

    mutating func end(
        _ call: CallID, _ reason: EndReason, by party: Party? = nil, detail: String? = nil, isGone: Bool = false,
        at now: Instant
    ) {
        guard let ended = calls.removeValue(forKey: call) else { return }
        viewers[ended.viewer]?.call = nil
        emit(.endSession(call, reason))
        if !isGone { tell(ended.viewer, .callHangup(call, reason, by: party)) }
        emit(
            .log(
                .callEnded(
                    call, with: self.party(ended.viewer), reason, detail: detail, duration: now - ended.began)))
        announcePresence(at: now)
    }

    // MARK: The ring

    mutating func press(wallClock: Int64, at now: Instant) {
        guard !isShuttingDown else { return }
        if let ring {
            // a second press prolongs nothing and makes no second ring
            emit(.log(.pressedWhileRinging(ring.id)))
            return
        }
        let ring = Ring(
            id: .random(from: random), wallClock: wallClock, began: now, ends: now + configuration.ringTimeout,
            ringing: Set(viewers.keys))
        self.ring = ring
        emit(.ringingChanged(true))
        let message = incoming(ring, at: now)
        tellAll { _ in message }
        emit(.log(.rang(ring.id, viewers: viewers.count)))
    }

    private func incoming(_ ring: Ring, at now: Instant) -> DoorMessage {
        .callIncoming(
            ring.id, from: Party(id: .door, name: configuration.doorName), at: ring.wallClock,
            expiresIn: ring.ends - now)
    }

    private mutating func accept(_ id: CallID, by viewer: ParticipantID, at now: Instant) {
        guard let ring, ring.id == id else {
            guard let lastRing, lastRing.id == id, lastRing.wasAnswered else {
                return refuseUnknown(id, viewer, "call-accept")
            }
            return refuse(
                viewer, .alreadyAnswered, "somebody was faster", call: id, inReplyTo: "call-accept")
        }
        let existing = viewers[viewer]?.call
        guard existing != nil || calls.count < configuration.maximumCalls else {
            return refuse(
                viewer, .busy, "the door has as many calls as it can serve", call: id, inReplyTo: "call-accept")
        }
        self.ring = nil
        lastRing = (id, wasAnswered: true)
        emit(.ringingChanged(false))
        let answerer = party(viewer)
        tellAll { .callAccepted(id, by: answerer, continues: $0 == viewer ? existing : nil) }
        emit(.log(.answered(id, by: answerer, after: now - ring.began)))
        if existing == nil { start(id, with: viewer, at: now) }
    }

    private mutating func reject(_ id: CallID, by viewer: ParticipantID, at now: Instant) {
        guard let ring, ring.id == id else {
            if lastRing?.id != id { refuseUnknown(id, viewer, "call-reject") }
            return
        }
        guard self.ring?.ringing.remove(viewer) != nil else { return }
        emit(.log(.declined(id, by: party(viewer))))
        if self.ring?.ringing.isEmpty == true { endRing(.rejected, at: now) }
    }

    mutating func endRing(_ reason: EndReason, at now: Instant) {
        guard let ended = ring else { return }
        ring = nil
        lastRing = (ended.id, wasAnswered: false)
        emit(.ringingChanged(false))
        tellAll { _ in .callHangup(ended.id, reason, by: nil) }
        emit(.log(.ringEnded(ended.id, reason)))
    }

    mutating func shutDown(at now: Instant) {
        isShuttingDown = true
        endRing(.shutdown, at: now)
        for call in calls.keys.sorted(by: { $0.rawValue < $1.rawValue }) { end(call, .shutdown, at: now) }
    }
}
