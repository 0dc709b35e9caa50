import ICE
import SDP

/// Which transport each media description of an exchange goes by (RFC 9143, RFC 8829 §4.1.1).
struct TransportPlan {
    /// By the index of the media description; nil for one without a transport.
    var sections: [PeerTransport.ID?] = []
    /// The media description that speaks for a transport: its credentials, fingerprints and candidates count.
    var tagged: [PeerTransport.ID: Int] = [:]
    /// The media descriptions that are offered within the bundle only (RFC 9143 §6).
    var bundleOnly: Set<Int> = []
    /// The credentials of the transports that are to be made, and of those that restart ICE.
    var credentials: [PeerTransport.ID: ICECredentials] = [:]

    /// The transports, in the order of the media descriptions that speak for them.
    var transports: [PeerTransport.ID] { tagged.sorted { $0.value < $1.value }.map(\.key) }

    /// The transport of the media description `index`.
    subscript(index: Int) -> PeerTransport.ID? {
        sections.indices.contains(index) ? sections[index] : nil
    }

    /// Gives the media description `index` the transport `transport`.
    mutating func assign(_ transport: PeerTransport.ID?, to index: Int) {
        while sections.count <= index { sections.append(nil) }
        sections[index] = transport
        if let transport, tagged[transport] == nil { tagged[transport] = index }
    }

    /// What is left of an offer's plan when `answer` has come: the bundled share the transport of the answer's first
    /// (RFC 9143 §7.3.2), and what was rejected, or offered for a bundle that the answer does not have, goes by none.
    func answered(by answer: SessionDescription) -> TransportPlan {
        var plan = TransportPlan()
        for index in answer.media.indices { plan.assign(nil, to: index) }
        for group in answer.acceptedBundles {
            for index in group { plan.assign(self[group[0]], to: index) }
        }
        for index in answer.media.indices where plan[index] == nil && !answer.media[index].isRejected {
            guard !bundleOnly.contains(index), let own = self[index], plan.tagged[own] == nil else { continue }
            guard !answer.acceptedBundles.contains(where: { $0.contains(index) }) else { continue }
            plan.assign(own, to: index)
        }
        return plan
    }
}

extension SessionDescription {
    /// The members of each bundle, as indices of media descriptions that are not rejected, in the bundle's order.
    var acceptedBundles: [[Int]] {
        bundles.map { tags in
            var members: [Int] = []
            for tag in tags {
                guard let index = media.firstIndex(where: { $0.mid == tag && !$0.isRejected }) else { continue }
                if !members.contains(index) { members.append(index) }
            }
            return members
        }
        .filter { !$0.isEmpty }
    }
}

extension RTCPeerConnection {
    /// The transports of our next offer, whose media descriptions are `sections`.
    func planOffer(_ sections: [MediaDescription], restarts: Bool) -> TransportPlan {
        var plan = TransportPlan()
        var next = nextTransportNumber
        let bundle = establishedBundle
        for (index, section) in sections.enumerated() {
            guard !section.isRejected else {
                plan.assign(nil, to: index)
                continue
            }
            if let known = transportPlan[index], isContinued(index, as: section) {
                plan.assign(known, to: index)
                continue
            }
            // a description that is added where a bundle exists joins it (RFC 9143 §7.2); before, the policy decides
            let shared = bundle ?? sharedTransport(of: section, at: index, among: sections, by: plan)
            if let shared {
                plan.assign(shared, to: index)
                // RFC 8829 §5.2.1. With max-bundle, browsers take the bundle for granted (RFC 9429 §1.3), as we do.
                if bundle == nil, configuration.bundlePolicy == .balanced { plan.bundleOnly.insert(index) }
            } else if let pooled = nextPooled(beside: plan) {
                plan.assign(pooled, to: index)
            } else {
                let made = PeerTransport.ID(rawValue: next)
                next += 1
                plan.assign(made, to: index)
                plan.credentials[made] = ICECredentials(random: random)
            }
        }
        if restarts {
            for id in plan.transports where plan.credentials[id] == nil {
                plan.credentials[id] = ICECredentials(random: random)
            }
        }
        return plan
    }

    /// The transport that the last exchange bundled by; nil without a bundle.
    private var establishedBundle: PeerTransport.ID? {
        guard let answer = negotiated.lastAnswer, let group = answer.acceptedBundles.first else { return nil }
        return transportPlan[group[0]]
    }

    /// Whether the media description at `index` is the one of the last exchange, not another in its place.
    private func isContinued(_ index: Int, as section: MediaDescription) -> Bool {
        guard let old = negotiated.currentLocal?.session.media, old.indices.contains(index) else { return false }
        return !old[index].isRejected && old[index].kind == section.kind
            && (old[index].mid ?? section.mid) == section.mid
    }

    /// RFC 8829 §4.1.1: with `max-bundle` all share the first's transport, with `balanced` all of one kind.
    private func sharedTransport(
        of section: MediaDescription, at index: Int, among sections: [MediaDescription], by plan: TransportPlan
    ) -> PeerTransport.ID? {
        switch configuration.bundlePolicy {
        case .maxBundle: plan.sections.lazy.compactMap(\.self).first
        case .balanced:
            (0..<index).lazy.filter { sections[$0].kind == section.kind }.compactMap { plan[$0] }.first
        case .maxCompat: nil
        }
    }

    /// The transports of our answer to `offer`, of which `groups` are accepted: the media descriptions that share a
    /// transport, the one that speaks for it first.
    func planAnswer(to offer: SessionDescription, accepting groups: [[Int]]) -> TransportPlan {
        var plan = TransportPlan()
        var next = nextTransportNumber
        for index in offer.media.indices { plan.assign(nil, to: index) }
        for group in groups {
            let known =
                group.lazy.compactMap { transportPlan[$0] }.first { plan.tagged[$0] == nil }
                ?? nextPooled(beside: plan)
            let id = known ?? PeerTransport.ID(rawValue: next)
            if known == nil { next += 1 }
            for index in group { plan.assign(id, to: index) }
            guard let agent = transport(id)?.ice else {
                plan.credentials[id] = ICECredentials(random: random)
                continue
            }
            // RFC 8445 §9, RFC 8839 §4.4.1.1: an offer whose credentials have changed restarts ICE; the answer has new
            // ones as well
            if let theirs = agent.remoteCredentials, let offered = RemoteTransport(of: offer, for: group[0]),
                offered.credentials != theirs
            {
                plan.credentials[id] = ICECredentials(random: random)
            }
        }
        return plan
    }

    /// The credentials that a description by `plan` shows for the transport `id`.
    func credentials(of id: PeerTransport.ID, by plan: TransportPlan) -> ICECredentials {
        guard let credentials = plan.credentials[id] ?? transport(id)?.ice.credentials else {
            preconditionFailure("a plan has credentials for a transport that is still to be made")
        }
        return credentials
    }
}
