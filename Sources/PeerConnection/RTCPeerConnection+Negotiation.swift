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
    /// `setLocalDescription`: without an argument it makes what the signalling state calls for, an offer or an answer
    /// (W3C §4.4.1.5). With a rollback it takes the pending offer back, whoever's it is.
    public mutating func setLocalDescription(_ description: RTCSdpType? = nil, at now: Instant) throws(RTCError) {
        switch (description ?? implicitType, signalingState) {
        case (.offer, .stable), (.offer, .haveLocalOffer):
            setLocalOffer(at: now)
        case (.pranswer, .haveRemoteOffer), (.pranswer, .haveLocalPranswer):
            setLocalAnswer(.pranswer, at: now)
        case (.answer, .haveRemoteOffer), (.answer, .haveLocalPranswer):
            setLocalAnswer(.answer, at: now)
        case (.rollback, .haveLocalOffer), (.rollback, .haveRemoteOffer):
            rollBack(at: now)
        case (let type, let state):
            throw .invalidState("a local \(type.rawValue) cannot be set in \(state.rawValue)")
        }
        drainTransports(at: now)
    }

    /// W3C §4.4.1.5: "If signalingState is either "stable", "have-local-offer", or "have-remote-pranswer"", an offer is
    /// made, else an answer.
    private var implicitType: RTCSdpType {
        switch signalingState {
        case .stable, .haveLocalOffer, .haveRemotePranswer, .closed: .offer
        case .haveRemoteOffer, .haveLocalPranswer: .answer
        }
    }

    /// `setRemoteDescription`. An offer that meets a pending one of ours takes its place: ours is rolled back (W3C
    /// §4.4.1.5).
    public mutating func setRemoteDescription(
        _ description: RTCSessionDescription, at now: Instant
    ) throws(RTCError) {
        guard Self.isRemote(description.type, allowedIn: signalingState) else {
            throw .invalidState("a remote \(description.type.rawValue) cannot be set in \(signalingState.rawValue)")
        }
        if description.type == .rollback {
            rollBack(at: now)
            return drainTransports(at: now)
        }
        let session: SessionDescription
        do throws(SDPError) {
            session = try SessionDescription(parsing: description.sdp)
        } catch {
            throw .invalidAccess(error.description)
        }
        try check(session)
        if description.type == .offer {
            try check(session, continuing: negotiated.currentRemote?.session)
            if signalingState == .haveLocalOffer { rollBack(at: now) }
            setRemoteOffer(session)
        } else {
            guard let offer = negotiated.pendingLocal?.session else {
                preconditionFailure("have-local-offer has a pending local offer")
            }
            try check(session, answering: offer)
            setRemoteAnswer(session, as: description.type, to: offer, at: now)
        }
        drainTransports(at: now)
    }

    /// RFC 8829 §5.6, and W3C §4.4.1.5 for offers that meet ours and for rollbacks.
    private static func isRemote(_ type: RTCSdpType, allowedIn state: RTCSignalingState) -> Bool {
        switch (type, state) {
        case (.offer, .stable), (.offer, .haveLocalOffer), (.offer, .haveRemoteOffer): true
        case (.answer, .haveLocalOffer), (.answer, .haveRemotePranswer): true
        case (.pranswer, .haveLocalOffer), (.pranswer, .haveRemotePranswer): true
        case (.rollback, .haveLocalOffer), (.rollback, .haveRemoteOffer): true
        default: false
        }
    }

    /// `restartIce`: the next offer has new credentials, and `negotiationneeded` asks for it. Before there are any to
    /// replace it has no effect (W3C §4.4.2).
    public mutating func restartIce() {
        guard signalingState != .closed, negotiated.local != nil else { return }
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
        announcesNegotiationNeeded = false
        change(to: .haveLocalOffer)
    }

    private mutating func setLocalAnswer(_ type: RTCSdpType, at now: Instant) {
        guard let offer = negotiated.pendingRemote else {
            preconditionFailure("have-remote-offer has a pending remote offer")
        }
        let (answer, plan) = makeAnswer(to: offer.session)
        realize(plan, at: now)
        if !plan.credentials.isEmpty, plan.transports.allSatisfy({ plan.credentials[$0] != nil }) {
            isRestartNeeded = false  // the other side's restart has given us new credentials, too
        }
        let local = NegotiatedDescriptions.Entry(type: type, session: answer)
        if type == .answer {
            (negotiated.currentLocal, negotiated.currentRemote) = (local, offer)
            finishExchange()
        } else {
            negotiated.pendingLocal = local
        }
        apply(
            local: answer, remote: offer.session, plan: plan, offered: false, isFinal: type == .answer, at: now)
        conclude(type, provisionally: .haveLocalPranswer)
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
        announcesNegotiationNeeded = false
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
            $0.kind == section.kind && $0.wasAddedByTrack && $0.mid == nil && !$0.isStopping
        }
        let position: Int
        if section.direction.receives, let free {
            position = free
        } else {
            let made = newTransceiver(
                section.kind, direction: .recvonly, streamIDs: [], byTrack: false, byRemoteOffer: true)
            transceivers.append(made)
            position = transceivers.count - 1
        }
        // "If the m= section does not contain an "a=mid" attribute, generate a random value"
        transceivers[position].mid = section.mid ?? makeMID(besides: offer.media.compactMap(\.mid))
        transceivers[position].mLineIndex = index
    }

    private mutating func setRemoteAnswer(
        _ answer: SessionDescription, as type: RTCSdpType, to offer: SessionDescription, at now: Instant
    ) {
        guard let plan = pendingTransportPlan?.answered(by: answer) else {
            preconditionFailure("have-local-offer has a plan of its transports")
        }
        let remote = NegotiatedDescriptions.Entry(type: type, session: answer)
        if type == .answer {
            (negotiated.currentLocal, negotiated.currentRemote) = (negotiated.pendingLocal, remote)
            finishExchange()
        } else {
            negotiated.pendingRemote = remote
        }
        apply(local: offer, remote: answer, plan: plan, offered: true, isFinal: type == .answer, at: now)
        conclude(type, provisionally: .haveRemotePranswer)
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

    private mutating func conclude(_ type: RTCSdpType, provisionally state: RTCSignalingState) {
        guard type == .answer else { return change(to: state) }
        change(to: .stable)
        renewNegotiationNeeded()
    }

    /// RFC 8829 §4.1.10.2: back to `stable` as if the pending description had never been.
    private mutating func rollBack(at now: Instant) {
        forgetPendingAssociations()
        pendingTransportPlan = nil
        returnToPool()
        closeUnusedTransports(at: now)
        // the other side has not seen the new credentials, and the old ones are gone: it is still to be told
        if isRestarting { isRestartNeeded = true }
        finishExchange()
        forgetStoppedTransceivers()
        change(to: .stable)
        updateTransportStates(at: now)
        renewNegotiationNeeded()
    }

    /// Takes back what the pending description has done to the transceivers; those that the application has added since,
    /// or uses for a track of its own, stay.
    private mutating func forgetPendingAssociations() {
        dataSection = stableDataSection
        let before = stableTransceivers ?? []
        transceivers = transceivers.compactMap { transceiver in
            var transceiver = transceiver
            let old = before.first { $0.id == transceiver.id }
            if old == nil, transceiver.wasMadeByRemoteOffer, !transceiver.wasAddedByTrack { return nil }
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
