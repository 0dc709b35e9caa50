import ICE
import SDP
public import Wire

/// The descriptions of the last exchange and of the one under way (RFC 8829 §4.1).
struct NegotiatedDescriptions {
    /// A description and what it was set as.
    struct Entry {
        var type: RTCSdpType
        var session: SessionDescription
    }

    var currentLocal: Entry?
    var currentRemote: Entry?
    var pendingLocal: Entry?
    var pendingRemote: Entry?

    var local: Entry? { pendingLocal ?? currentLocal }
    var remote: Entry? { pendingRemote ?? currentRemote }

    /// The answer that ended the last exchange.
    var lastAnswer: SessionDescription? {
        currentLocal?.type == .answer ? currentLocal?.session : currentRemote?.session
    }
}

extension RTCPeerConnection {
    /// `localDescription`: the pending one, else the current one, with every candidate gathered so far.
    public var localDescription: RTCSessionDescription? {
        guard let entry = negotiated.local else { return nil }
        let plan = negotiated.pendingLocal == nil ? transportPlan : pendingTransportPlan ?? transportPlan
        return RTCSessionDescription(type: entry.type, sdp: withCandidates(entry.session, by: plan).description)
    }

    /// `remoteDescription`: the pending one, else the current one.
    public var remoteDescription: RTCSessionDescription? {
        guard let entry = negotiated.remote else { return nil }
        return RTCSessionDescription(type: entry.type, sdp: entry.session.description)
    }

    /// `setLocalDescription`: without an argument it makes what the signalling state calls for, an offer or an answer
    /// (W3C §4.4.1.5). With a rollback it takes the pending offer back.
    public mutating func setLocalDescription(_ description: RTCSdpType? = nil, at now: Instant) throws(RTCError) {
        switch (description ?? (signalingState == .haveRemoteOffer ? .answer : .offer), signalingState) {
        case (.offer, .stable), (.offer, .haveLocalOffer):
            setLocalOffer(at: now)
        case (.answer, .haveRemoteOffer):
            setLocalAnswer(at: now)
        case (.rollback, .haveLocalOffer):
            rollBack(at: now)
        case (let type, let state):
            throw .invalidState("a local \(type.rawValue) cannot be set in \(state.rawValue)")
        }
        drainTransports(at: now)
    }

    /// `setRemoteDescription`. An offer that meets a pending one of ours takes its place: ours is rolled back (W3C
    /// §4.4.1.5).
    public mutating func setRemoteDescription(
        _ description: RTCSessionDescription, at now: Instant
    ) throws(RTCError) {
        guard signalingState != .closed else { throw .invalidState("the connection is closed") }
        if description.type == .rollback {
            guard signalingState == .haveRemoteOffer else {
                throw .invalidState("there is no remote offer to take back")
            }
            return rollBack(at: now)
        }
        let session: SessionDescription
        do throws(SDPError) {
            session = try SessionDescription(parsing: description.sdp)
        } catch {
            throw .invalidAccess(error.description)
        }
        switch (description.type, signalingState) {
        case (.offer, .stable), (.offer, .haveLocalOffer), (.offer, .haveRemoteOffer):
            try check(session)
            try check(session, continuing: negotiated.currentRemote?.session)
            if signalingState == .haveLocalOffer { rollBack(at: now) }
            setRemoteOffer(session)
        case (.answer, .haveLocalOffer):
            guard let offer = negotiated.pendingLocal?.session else {
                preconditionFailure("have-local-offer has a pending local offer")
            }
            try check(session)
            try check(session, answering: offer)
            setRemoteAnswer(session, to: offer, at: now)
        case (let type, let state):
            throw .invalidState("a remote \(type.rawValue) cannot be set in \(state.rawValue)")
        }
        drainTransports(at: now)
    }

    /// `restartIce`: the next offer has new credentials, and `negotiationneeded` asks for it.
    public mutating func restartIce() {
        guard signalingState != .closed else { return }
        isRestartNeeded = true
        updateNegotiationNeeded()
    }

    // MARK: Local descriptions

    private mutating func setLocalOffer(at now: Instant) {
        let restarts = isRestartNeeded && negotiated.currentLocal != nil
        if restarts { isRestarting = true }
        isRestartNeeded = false
        keepStable()
        let (session, plan) = makeOffer(restarts: restarts)
        negotiated.pendingLocal = .init(type: .offer, session: session)
        pendingTransportPlan = plan
        realize(plan, at: now)
        isNegotiationNeeded = false
        change(to: .haveLocalOffer)
    }

    private mutating func setLocalAnswer(at now: Instant) {
        guard let offer = negotiated.pendingRemote?.session else {
            preconditionFailure("have-remote-offer has a pending remote offer")
        }
        let (answer, plan) = makeAnswer(to: offer)
        realize(plan, at: now)
        negotiated.currentRemote = negotiated.pendingRemote
        negotiated.currentLocal = .init(type: .answer, session: answer)
        finishExchange()
        apply(local: answer, remote: offer, plan: plan, offered: false, at: now)
        change(to: .stable)
        updateNegotiationNeeded()
    }

    // MARK: Remote descriptions

    private mutating func setRemoteOffer(_ offer: SessionDescription) {
        if signalingState == .haveRemoteOffer { forgetPendingAssociations() }
        keepStable()
        for (index, section) in offer.media.enumerated() where section.kind == .audio || section.kind == .video {
            associate(section, at: index, of: offer)
        }
        associateData(in: offer)
        negotiated.pendingRemote = .init(type: .offer, session: offer)
        change(to: .haveRemoteOffer)
    }

    /// RFC 8829 §5.10: finds the transceiver for a media description of the other side's offer, or makes one.
    private mutating func associate(_ section: MediaDescription, at index: Int, of offer: SessionDescription) {
        if let known = position(of: section, at: index) {
            transceivers[known].mLineIndex = index
            return
        }
        guard !section.isRejected else { return }
        // "If the m= section is "sendrecv" or "recvonly", and there are RtpTransceivers of the same type that were
        // added to the PeerConnection by addTrack and are not associated with any m= section and are not stopped, find
        // the first".
        let free = transceivers.firstIndex {
            $0.kind == section.kind && $0.wasAddedByTrack && $0.mid == nil && !$0.isStopped
        }
        let position: Int
        if section.direction.receives, let free {
            position = free
        } else {
            let made = newTransceiver(
                section.kind, direction: .recvonly, streamID: "-", byTrack: false, byRemoteOffer: true)
            transceivers.append(made)
            position = transceivers.count - 1
        }
        // "If the m= section does not contain an "a=mid" attribute, generate a random value"
        transceivers[position].mid = section.mid ?? makeMID(besides: offer.media.compactMap(\.mid))
        transceivers[position].mLineIndex = index
    }

    private mutating func setRemoteAnswer(_ answer: SessionDescription, to offer: SessionDescription, at now: Instant) {
        guard let plan = pendingTransportPlan?.answered(by: answer) else {
            preconditionFailure("have-local-offer has a plan of its transports")
        }
        negotiated.currentLocal = negotiated.pendingLocal
        negotiated.currentRemote = .init(type: .answer, session: answer)
        finishExchange()
        apply(local: offer, remote: answer, plan: plan, offered: true, at: now)
        change(to: .stable)
        updateNegotiationNeeded()
    }

    // MARK: State

    /// Keeps what a rollback returns to, before an exchange changes it.
    private mutating func keepStable() {
        guard stableTransceivers == nil else { return }
        stableTransceivers = transceivers
        stableDataSection = dataSection
    }

    private mutating func finishExchange() {
        negotiated.pendingLocal = nil
        negotiated.pendingRemote = nil
        stableTransceivers = nil
        isRestarting = false
    }

    /// RFC 8829 §4.1.10.2: back to `stable` as if the pending description had never been.
    private mutating func rollBack(at now: Instant) {
        forgetPendingAssociations()
        pendingTransportPlan = nil
        closeUnusedTransports(at: now)
        // the other side has not seen the new credentials, and the old ones are gone: it is still to be told
        if isRestarting { isRestartNeeded = true }
        finishExchange()
        change(to: .stable)
        updateTransportStates(at: now)
        updateNegotiationNeeded()
    }

    /// Takes back what the pending description has done to the transceivers; those that the application has added since
    /// stay.
    private mutating func forgetPendingAssociations() {
        dataSection = stableDataSection
        let before = stableTransceivers ?? []
        transceivers = transceivers.compactMap { transceiver in
            var transceiver = transceiver
            let old = before.first { $0.id == transceiver.id }
            if old == nil, transceiver.wasMadeByRemoteOffer { return nil }
            transceiver.mid = old?.mid
            transceiver.mLineIndex = old?.mLineIndex
            return transceiver
        }
    }

    private mutating func change(to state: RTCSignalingState) {
        guard state != signalingState else { return }
        signalingState = state
        events.append(.signalingStateChanged(state))
    }
}
