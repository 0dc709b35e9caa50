import RTP
import SDP
import Wire

/// What one connection tells, as the set tells it.
extension RTCPeerConnectionSet {
    mutating func receive(_ signal: Signal, from id: ID, at now: Instant) {
        guard var member = members.removeValue(forKey: id) else { return }
        var answer: RTCSessionDescription?
        do throws(RTCError) {
            switch signal {
            case .description(let description):
                member.mayOffer = true
                answer = try member.negotiation.received(description, on: &member.connection, at: now)
            case .candidate(let candidate):
                try member.negotiation.received(candidate, on: &member.connection, at: now)
            }
        } catch {
            events.append(.signalRefused(error, from: id))
        }
        members[id] = member
        if let answer { events.append(.signal(.description(answer), to: id)) }
        settle(id, at: now)
    }

    /// Drains the connection with `id` and its recovery until neither has anything left to tell.
    mutating func settle(_ id: ID, at now: Instant) {
        register(id)
        var isBusy = true
        while isBusy, members[id] != nil {
            isBusy = false
            while let event = members[id]?.connection.nextOutput() {
                isBusy = true
                take(event, of: id, at: now)
            }
            while let output = members[id]?.recovery.nextOutput() {
                isBusy = true
                switch output {
                case .restartIce: members[id]?.connection.restartIce()
                case .abandon, .reconnect: remove(id, because: .failed, at: now)
                case .stateChanged: break
                }
            }
        }
        register(id)
        guard var batch = members[id]?.connection.outbox, !batch.isEmpty else { return }
        members[id]?.connection.outbox.removeAll()
        post(&batch, of: id)
    }

    private mutating func take(_ event: RTCPeerConnection.Event, of id: ID, at now: Instant) {
        switch event {
        case .negotiationNeeded:
            offer(to: id, at: now)
        case .iceCandidate(let candidate):
            events.append(.signal(.candidate(candidate), to: id))
        case .connectionStateChanged(let state):
            follow(state, of: id, at: now)
        case .track(let transceiver, let kind, let isActive):
            members[id]?.remoteTracks[transceiver] = isActive ? kind : nil
            events.append(
                isActive ? .trackAdded(transceiver, kind, from: id) : .trackRemoved(transceiver, kind, from: id))
        case .packet(let transceiver, let packet, let sequence):
            events.append(.packet(transceiver, packet, sequence: sequence, from: id))
        case .keyFrameRequested(let transceiver):
            guard let track = members[id]?.transceivers.first(where: { $0.value == transceiver })?.key else { return }
            events.append(.keyFrameRequested(track, by: id))
        case .dataChannelStateChanged(members[id]?.channel, let state):
            events.append(.channelStateChanged(state, id))
        case .message(members[id]?.channel, let message):
            events.append(.message(message, from: id))
        default:
            break
        }
    }

    private mutating func offer(to id: ID, at now: Instant) {
        // one that is to be called has its tracks taken by the caller's offer, and offers what that left over
        guard var member = members[id], member.mayOffer else { return }
        members[id] = nil
        do throws(RTCError) {
            let offer = try member.negotiation.negotiationNeeded(on: &member.connection, at: now)
            if let offer { events.append(.signal(.description(offer), to: id)) }
        } catch {
            events.append(.signalRefused(error, from: id))
        }
        members[id] = member
    }

    private mutating func follow(_ state: RTCPeerConnectionState, of id: ID, at now: Instant) {
        guard state != .closed else { return remove(id, because: .closed, at: now) }
        events.append(.connectionStateChanged(state, id))
        let wasConnected = members[id]?.connectsUntil == nil
        if state == .connected { members[id]?.connectsUntil = nil }
        // what never was connected cannot be recovered
        if state == .failed, !wasConnected { return remove(id, because: .failed, at: now) }
        members[id]?.recovery.handle(.connectionStateChanged(state), at: now)
    }
}
