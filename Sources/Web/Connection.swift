internal import CWebSockets

/// One TCP connection, as the web thread keeps it.
final class Connection {
    /// What the connection is doing.
    enum State {
        /// Before its request.
        case new
        /// A request's body is coming.
        case receiving(IncomingRequest)
        /// A request waits for its answer.
        case waiting(RequestID, IncomingRequest)
        /// An answer is going out.
        case answering(ResponseBytes)
        /// The answer has left; the rest of the request's body is thrown away.
        case draining(ResponseBytes)
        /// Nothing more happens but the end.
        case ended
        /// The connection became a WebSocket.
        case webSocket(SocketState)
    }

    let wsi: WSI
    let remoteAddress: String
    var state = State.new
    /// The request by which it is becoming a WebSocket.
    var opening: HTTPRequest?

    /// Whether it is encrypted.
    var isSecure: Bool { lws_is_ssl(wsi) != 0 }

    init(wsi: WSI, remoteAddress: String) {
        self.wsi = wsi
        self.remoteAddress = remoteAddress
    }
}

/// A request that is arriving, or arrived.
final class IncomingRequest {
    let head: RequestHead
    let length: Int
    var body: [UInt8] = []

    init(head: RequestHead, length: Int) {
        self.head = head
        self.length = length
    }
}

/// A WebSocket's two directions.
final class SocketState {
    enum Outgoing {
        /// A text frame, with what lws_write() wants free in front.
        case text([UInt8])
        case close(code: UInt16, reason: String)
    }

    let id: WebSocketID
    /// The fragments of the message that is arriving.
    var partial: [UInt8] = []
    /// Whether `WebEvent.closed` was told; nothing of this socket is told afterwards.
    var isOver = false
    private(set) var queuedBytes = 0
    private var outgoing: [Outgoing] = []
    private var taken = 0

    init(id: WebSocketID) {
        self.id = id
    }

    var isFlushed: Bool { taken == outgoing.count }

    func append(_ item: Outgoing) {
        outgoing.append(item)
        if case .text(let bytes) = item { queuedBytes += bytes.count }
    }

    func next() -> Outgoing? {
        guard taken < outgoing.count else { return nil }
        let item = outgoing[taken]
        taken += 1
        if case .text(let bytes) = item { queuedBytes -= bytes.count }
        if taken == outgoing.count || taken >= 32 {
            outgoing.removeFirst(taken)
            taken = 0
        }
        return item
    }
}
