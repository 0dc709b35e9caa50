public import Wire

/// Messages to one peer or to all, by a data channel that both sides of every pair make by themselves: stream 0, ordered and
/// reliable.
extension RTCPeerConnectionSet {
    func addChannel(to member: inout Member, at now: Instant) {
        do throws(RTCError) {
            member.channel = try member.connection.createDataChannel(
                "", .init(negotiated: true, id: 0), at: now)
        } catch {
            preconditionFailure("stream 0 of a new connection is free: \(error)")
        }
    }

    /// Sends a message to the peer `id`.
    ///
    /// Throws `invalidState` before its channel is open or where there is no such peer, else what `RTCPeerConnection.send` does.
    public mutating func send(_ message: DataChannelMessage, to id: ID, at now: Instant) throws(RTCError) {
        guard let channel = members[id]?.channel else { throw .invalidState("there is no such peer") }
        try members[id]?.connection.send(message, on: channel, at: now)
        settle(id, at: now)
    }

    /// Sends a message to every peer whose channel is open and has room; the peers that it was sent to.
    @discardableResult
    public mutating func broadcast(_ message: DataChannelMessage, at now: Instant) -> Set<ID> {
        peers.filter { id in
            do throws(RTCError) {
                try send(message, to: id, at: now)
                return true
            } catch {
                return false
            }
        }
    }
}
