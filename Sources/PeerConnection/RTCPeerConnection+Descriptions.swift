import SDP

/// The descriptions as the application sees them (W3C §4.4.2). Local ones have every candidate gathered so far.
extension RTCPeerConnection {
    /// `localDescription`: the pending one, else the current one.
    public var localDescription: RTCSessionDescription? { pendingLocalDescription ?? currentLocalDescription }

    /// `remoteDescription`: the pending one, else the current one.
    public var remoteDescription: RTCSessionDescription? { pendingRemoteDescription ?? currentRemoteDescription }

    /// `currentLocalDescription`: ours of the last exchange that was completed.
    public var currentLocalDescription: RTCSessionDescription? {
        negotiated.currentLocal.map { described($0, by: transportPlan) }
    }

    /// `pendingLocalDescription`: our offer or provisional answer of the exchange under way.
    public var pendingLocalDescription: RTCSessionDescription? {
        negotiated.pendingLocal.map { described($0, by: pendingTransportPlan ?? transportPlan) }
    }

    /// `currentRemoteDescription`: the other side's of the last exchange that was completed.
    public var currentRemoteDescription: RTCSessionDescription? {
        negotiated.currentRemote.map { RTCSessionDescription(type: $0.type, sdp: $0.session.description) }
    }

    /// `pendingRemoteDescription`: the other side's offer or provisional answer of the exchange under way.
    public var pendingRemoteDescription: RTCSessionDescription? {
        negotiated.pendingRemote.map { RTCSessionDescription(type: $0.type, sdp: $0.session.description) }
    }

    /// `canTrickleIceCandidates`: whether the other side takes candidates one by one (RFC 8838 §4.1); nil before its first
    /// description.
    public var canTrickleIceCandidates: Bool? {
        negotiated.remote?.session.media.contains { $0.iceOptions.contains("trickle") }
    }

    private func described(
        _ entry: NegotiatedDescriptions.Entry, by plan: TransportPlan
    ) -> RTCSessionDescription {
        RTCSessionDescription(type: entry.type, sdp: withCandidates(entry.session, by: plan).description)
    }
}
