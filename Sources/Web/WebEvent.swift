/// Names a WebSocket connection; never used twice by one server.
public struct WebSocketID: Hashable, Sendable, CustomStringConvertible {
    let rawValue: UInt64

    /// A short name for the log.
    public var description: String { "ws\(rawValue)" }
}

/// Names an HTTP request that waits for its answer; never used twice by one server.
public struct RequestID: Hashable, Sendable, CustomStringConvertible {
    let rawValue: UInt64

    /// A short name for the log.
    public var description: String { "http\(rawValue)" }
}

/// What the web server tells.
public enum WebEvent: Sendable {
    /// A page opened a WebSocket, with this request.
    case opened(WebSocketID, HTTPRequest)
    /// A text message arrived, whole.
    case message(WebSocketID, String)
    /// The WebSocket is gone, whoever closed it; the last event of its identifier.
    case closed(WebSocketID, WebSocketCloseReason)
    /// A request for anything but a page file; `respond(to:with:)` within the configured time, or the server answers
    /// 504 by itself.
    case request(RequestID, HTTPRequest)
}

/// Why a WebSocket closed.
public enum WebSocketCloseReason: Hashable, Sendable {
    /// The page closed it, with this code where it gave one (RFC 6455 §7.4).
    case closedByPeer(UInt16?)
    /// The connection broke, or the page no longer answers.
    case lost
    /// This side closed it with this code.
    case closedHere(UInt16)
    /// The page did not read what was sent to it.
    case tooSlow
}

/// Why the server could not start.
public enum WebError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another program listens there.
    case portInUse(address: String, port: UInt16)
    /// The system refuses the port to this user.
    case notPermitted(address: String, port: UInt16)
    /// The machine has no such address, or it is none.
    case noSuchAddress(String)
    /// The folder of page files has no index.html.
    case noPage(folder: String)
    /// Anything else.
    case system(String)

    /// The failure as a sentence.
    public var description: String {
        switch self {
        case .portInUse(let address, let port):
            "another program already listens on port \(port)\(address.isEmpty ? "" : " of \(address)")"
        case .notPermitted(let address, let port):
            "this user may not listen on port \(port)\(address.isEmpty ? "" : " of \(address)")"
        case .noSuchAddress(let address):
            "this machine has no address \(address) to listen on"
        case .noPage(let folder):
            "the page folder \(folder) has no index.html"
        case .system(let message):
            message
        }
    }
}

/// What the server counted since it started.
public struct WebCounters: Hashable, Sendable {
    /// Connections accepted.
    public var connections = 0
    /// Connections refused because there were too many.
    public var refusedConnections = 0
    /// HTTP requests answered.
    public var responses = 0
    /// WebSocket handshakes refused: foreign origin, wrong path, or too many.
    public var refusedSockets = 0
    /// WebSockets closed because the page did not read what was sent to it.
    public var slowSockets = 0
    /// WebSockets closed because of what the page sent: binary, too large, not UTF-8.
    public var faultySockets = 0

    /// Nothing counted.
    public init() {}
}
