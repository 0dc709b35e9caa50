import ICE
import Wire

/// Transports that gather before there is a description to use them (W3C `iceCandidatePoolSize`, RFC 8829 §3.5.4).
extension RTCPeerConnection {
    /// The transports that media goes by, or is to go by; the states of the connection are theirs.
    var used: LazyFilterSequence<[PeerTransport]> { transports.lazy.filter { !$0.isPooled } }

    /// Makes what the pool lacks, once every address is known that it can gather from.
    mutating func fillPool(at now: Instant) {
        guard !hasDescribed, localAddresses.hasEnded else { return }
        while pooled.count < Int(configuration.iceCandidatePoolSize) {
            let id = PeerTransport.ID(rawValue: nextTransportNumber)
            makeTransport(id, credentials: ICECredentials(random: random), isPooled: true, at: now)
        }
    }

    /// Closes those of the pool beyond the first `count`.
    mutating func emptyPool(to count: Int, at now: Instant) {
        for id in pooled.dropFirst(count).reversed() {
            if let index = index(of: id) { closeTransport(index, at: now) }
        }
    }

    /// The transports in the pool that no plan has taken.
    var pooled: [PeerTransport.ID] { transports.filter(\.isPooled).map(\.id) }

    /// The transport that the next media description without one takes from the pool; nil where nothing is left there.
    func nextPooled(beside plan: TransportPlan) -> PeerTransport.ID? {
        transports.first { $0.isPooled && plan.tagged[$0.id] == nil }?.id
    }

    /// What the first exchange took from the pool goes back when its offer is rolled back.
    mutating func returnToPool() {
        guard negotiated.currentLocal == nil else { return }
        for index in transports.indices.prefix(Int(configuration.iceCandidatePoolSize)) {
            transports[index].isPooled = true
        }
    }

    /// Tells the candidates that were gathered while the transport was in the pool: now there is a description that they
    /// belong to.
    mutating func announce(_ index: Int) {
        guard transports[index].hasUntoldCandidates, negotiated.local != nil else { return }
        transports[index].hasUntoldCandidates = false
        for candidate in transports[index].ice.gatheredCandidates { emit(candidate, ofTransport: index) }
        if transports[index].gatheringState == .complete { emit(nil, ofTransport: index) }
        updateGatheringState()
    }
}
