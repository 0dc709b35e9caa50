import PeerConnection
import Wire

/// What pages and the door do: connecting, calling, ending.
extension CallHub {
    // MARK: Pages

    mutating func connect(_ id: ParticipantID, at now: Instant) {
        guard viewers[id] == nil else { return }
        let resumption = ResumptionSecret.random(from: random)
        viewers[id] = Viewer(
            name: "Viewer \(id.rawValue.prefix(4))", call: nil, resumption: resumption,
            bucket: TokenBucket(
                rate: configuration.messagesPerSecond, capacity: configuration.messageBurst, at: now))
        tell(
            id,
            .welcome(
                .init(
                    id: id, doorName: configuration.doorName, devices: devices, iceServers: iceServers,
                    iceTransportPolicy: configuration.iceTransportPolicy, ringTimeout: configuration.ringTimeout,
                    maxCallDuration: configuration.maxCallDuration, resumption: resumption)))
        emit(.log(.viewerJoined(id)))
        announcePresence(at: now)
        if !missed.isEmpty { tell(id, .missed(missed)) }
        // who opens the page because the bell rang finds it ringing
        if let ring, !isShuttingDown {
            self.ring?.ringing.insert(id)
            tell(id, incoming(ring, at: now))
        }
    }

    /// Forgets a page; its call waits for it a while, unless it is not to come back.
    mutating func disconnect(_ id: ParticipantID, mayResume: Bool = true, at now: Instant) {
        guard let viewer = viewers.removeValue(forKey: id) else { return }
        if let call = viewer.call {
            if mayResume, !isShuttingDown {
                interrupt(call, at: now)
            } else {
                end(call, .hangup, detail: "the page was cut off", at: now)
            }
        }
        if let call = viewer.directCall {
            interruptDirect(call, of: Party(id: id, name: viewer.name), mayResume: mayResume, at: now)
        }
        emit(.log(.viewerLeft(Party(id: id, name: viewer.name))))
        // The last one gone does not end the ring: somebody may open the page.
        ring?.ringing.remove(id)
        announcePresence(at: now)
    }

    /// Whether a message of `id` is to be looked at; one who floods is thrown out.
    mutating func admit(_ id: ParticipantID, at now: Instant) -> Bool {
        guard viewers[id] != nil else { return false }
        if viewers[id]?.bucket.take(at: now) == true { return true }
        emit(.log(.flooded(id)))
        disconnect(id, mayResume: false, at: now)
        emit(.disconnect(id, "too many messages"))
        return false
    }

    /// Goes by what the owner changed: the ring that is going on ends when it was to end, and a call that has lasted longer
    /// than is allowed now is over.
    mutating func change(to new: Configuration, at now: Instant) {
        let old = configuration
        configuration = new
        let hasNewName = new.doorName != old.doorName
        if hasNewName || new.ringTimeout != old.ringTimeout || new.maxCallDuration != old.maxCallDuration {
            tellAll { _ in
                .doorSettings(
                    name: new.doorName, ringTimeout: new.ringTimeout, maxCallDuration: new.maxCallDuration)
            }
        }
        if hasNewName { announcePresence(at: now) }
    }

    mutating func change(to new: DoorDevices) {
        guard new != devices else { return }
        devices = new
        tellAll { _ in .door(new) }
    }

    // MARK: Messages

    mutating func take(_ message: ViewerMessage, from id: ParticipantID, at now: Instant) {
        switch message {
        case .presence(let name, let takesCalls): changePresence(of: id, to: name, takesCalls: takesCalls, at: now)
        case .callInitiate(let recipient): initiate(recipient, by: id, at: now)
        case .callAccept(let call) where viewers[id]?.directCall == call: acceptDirect(call, by: id, at: now)
        case .callAccept(let call): accept(call, by: id, at: now)
        case .callReject(let call) where viewers[id]?.directCall == call: rejectDirect(call, by: id, at: now)
        case .callReject(let call): reject(call, by: id, at: now)
        case .callHangup(let call) where viewers[id]?.directCall == call: hangUpDirect(call, by: id, at: now)
        case .callHangup(let call):
            guard viewers[id]?.call == call else { return refuseUnknown(call, id, "call-hangup") }
            end(call, .hangup, by: party(id), at: now)
        case .callResume(let secret, let keepsMedia): resume(secret, keepsMedia: keepsMedia, by: id, at: now)
        case .negotiation(let call, let recipient, let step) where viewers[id]?.directCall == call:
            relayDirect(step, from: id, in: call, to: recipient)
        case .negotiation(let call, let recipient, let step):
            guard viewers[id]?.call == call else {
                // A candidate that crossed with the end of its call is no mistake.
                guard case .description = step else { return }
                return refuseUnknown(call, id, step.type)
            }
            if recipient == .door { emit(.deliver(call, step)) } else { relay(step, from: id, in: call, to: recipient) }
        case .missedSeen(let call): sawMissed(call, by: id)
        }
    }

    private mutating func changePresence(
        of id: ParticipantID, to name: String, takesCalls: Bool, at now: Instant
    ) {
        guard let viewer = viewers[id], viewer.name != name || viewer.takesCalls != takesCalls else { return }
        viewers[id]?.takesCalls = takesCalls
        if viewer.name != name {
            viewers[id]?.name = name
            if let call = viewer.call {
                calls[call]?.name = name
                hasRenamedMember = true
            }
            if let call = viewer.directCall { renameDirect(call, id, name) }
        }
        announcePresence(at: now)
    }

    mutating func refuseUnknown(_ call: CallID, _ id: ParticipantID, _ type: String) {
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
        guard recipient == .door else { return callViewer(recipient, by: id, at: now) }
        if let call = viewers[id]?.call {
            return refuse(id, .notAllowed, "you are in a call with the door already", call: call, inReplyTo: type)
        }
        guard !isShuttingDown, calls.count < configuration.maximumCalls else {
            return refuse(id, .busy, "the door has as many calls as it can serve", inReplyTo: type)
        }
        leaveForDoor(id, at: now)
        let call = CallID.random(from: random)
        tell(id, .callAccepted(call, by: Party(id: .door, name: configuration.doorName), continues: nil))
        start(call, with: id, at: now)
    }

    mutating func start(_ call: CallID, with id: ParticipantID, at now: Instant) {
        guard let viewer = viewers[id] else { return }
        calls[call] = Call(
            viewer: id, name: viewer.name, resumption: viewer.resumption, began: now,
            media: .connecting(by: now + configuration.connectTimeout), channelBucket: channelBucket(at: now))
        viewers[id]?.call = call
        emit(.startSession(call, id))
        emit(.log(.callStarted(call, with: party(id))))
        tellMembers()
        announcePresence(at: now)
    }

    mutating func end(
        _ call: CallID, _ reason: EndReason, by party: Party? = nil, detail: String? = nil, at now: Instant
    ) {
        guard let ended = calls.removeValue(forKey: call) else { return }
        viewers[ended.viewer]?.call = nil
        emit(.endSession(call, reason))
        tell(ended.viewer, .callHangup(call, reason, by: party))
        emit(
            .log(
                .callEnded(
                    call, with: self.party(ended), reason, detail: detail, duration: now - ended.began)))
        tellMembers()
        announcePresence(at: now)
    }

    func channelBucket(at now: Instant) -> TokenBucket {
        TokenBucket(
            rate: configuration.channelMessagesPerSecond, capacity: configuration.channelMessageBurst, at: now)
    }

    // MARK: The connection between the viewer's peer and the door's

    mutating func connected(_ id: CallID, at now: Instant) {
        guard let call = calls[id], case .connecting(let by) = call.media else { return }
        calls[id]?.media = .connected
        emit(.log(.callConnected(id, after: now - (by - configuration.connectTimeout))))
    }

    /// The viewer hangs up, or his page is loaded anew: what else comes from him, or does not, tells which.
    mutating func closed(_ id: CallID, at now: Instant) {
        guard let call = calls[id] else { return }
        if case .over = call.media { return }
        calls[id]?.media = .over(until: now + configuration.closingGrace)
    }

    mutating func failed(_ id: CallID, _ reason: String, at now: Instant) {
        guard let call = calls[id] else { return }
        // of one who is away the connection is no longer needed: he comes back with another, or not at all
        guard call.awayUntil == nil else { return closed(id, at: now) }
        switch call.media {
        case .connecting: end(id, .peerFailed, detail: reason, at: now)
        case .connected: end(id, .connectionLost, detail: reason, at: now)
        case .over: break
        }
    }

    mutating func shutDown(at now: Instant) {
        isShuttingDown = true
        endRing(.shutdown, at: now)
        for call in calls.keys.sorted(by: { $0.rawValue < $1.rawValue }) { end(call, .shutdown, at: now) }
        for call in directCalls.keys.sorted(by: { $0.rawValue < $1.rawValue }) { endDirect(call, .shutdown, at: now) }
    }
}
