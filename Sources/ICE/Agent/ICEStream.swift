import Wire

/// A TCP connection of an agent (RFC 6544), on which every datagram is a frame (RFC 4571):
///
///     wanted ─ opening ─ open ─ closed
///     accepted ──────────┘
struct ICEStream {
    enum State {
        /// What was sent meanwhile leaves once it is open.
        case opening(waiting: [[UInt8]])
        case open(FrameReader)
    }

    let base: Base
    let remote: SocketAddress
    let begunAt: Instant
    var state: State
    /// Whether the peer has shown on it that it is the peer: an answered check of ours, or an authentic one of its own.
    var isProven = false

    /// Whether this side has opened it.
    var isOurs: Bool { base.transport == .activeTCP }
    var isOpening: Bool {
        if case .opening = state { true } else { false }
    }
}
