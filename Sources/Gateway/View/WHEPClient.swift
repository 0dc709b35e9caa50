import Calls
import FoundationEssentials
import SDP
import Web

/// The player's side of WHEP (draft-ietf-wish-whep), and the publisher's of WHIP (RFC 9725), which is the same but for who
/// sends media: one offer by HTTP, and what goes with it.
///
/// ```
/// POST   url        the offer         → 201, Location, ETag, Link, the answer; or a redirect, or a refusal
/// PATCH  Location   more candidates   → 204
/// DELETE Location                     → 200
/// ```
package struct WHEPClient {
    /// A call that a server has taken.
    package struct Session: Sendable {
        /// What to send candidates to, and to delete at the end.
        package let resource: URL
        /// The entity tag of the ICE session, for `If-Match`.
        package let entityTag: String?
        /// The ICE servers that the server names.
        package let iceServers: [ICEServer]
        /// The answer.
        package let answer: String
    }

    /// Why there is no call.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        /// The address is none that can be called.
        case badAddress(String)
        /// No answer came.
        case unreachable(String)
        /// The server has nothing at the address, or does not want this client; the sentence tells. With `Retry-After`
        /// it says when it might.
        case refused(status: Int, String, retryAfter: Duration? = nil)
        /// The server answers what the protocol does not know.
        case notWHEP(String)

        package var description: String {
            switch self {
            case .badAddress(let text): "“\(text)” is no http or https address"
            case .unreachable(let reason): reason
            case .refused(_, let reason, _): reason
            case .notWHEP(let reason): reason
            }
        }

        /// When the server might take the offer, where it says so.
        var retryAfter: Duration? {
            if case .refused(_, _, let after) = self { after } else { nil }
        }
    }

    /// What the client does with media, which is all that WHEP and WHIP differ in.
    package enum Role: Sendable {
        /// It receives.
        case viewer
        /// It sends.
        case publisher
    }

    private let http: HTTPClient
    private let token: String?
    private let role: Role

    /// RFC 9110 §15.4: "a client SHOULD detect and intervene in cyclical redirections".
    private static let redirectLimit = 5

    /// A player or a publisher that shows `token` as a bearer (RFC 6750), where there is one.
    package init(http: HTTPClient = HTTPClient(), token: String? = nil, as role: Role = .viewer) {
        self.http = http
        self.token = token
        self.role = role
    }

    /// Offers `offer` to the server at `url`.
    package func call(_ url: String, offer: String) throws(Failure) -> Session {
        guard var target = URL(string: url), target.scheme != nil else { throw .badAddress(url) }
        let first = target
        for _ in 0...Self.redirectLimit {
            let response = try send(
                "POST", to: target, isTrusted: Self.haveSameOrigin(target, first),
                [.init("Content-Type", "application/sdp"), .init("Accept", "application/sdp")],
                body: Array(offer.utf8))
            switch response.status {
            case 201: return try session(from: response, at: target)
            case 307, 308:
                // "the request method MUST NOT be changed" (RFC 9110 §15.4.8, §15.4.9)
                guard let next = response.location(relativeTo: target) else {
                    throw strange("it redirects to nowhere")
                }
                target = next
            default:
                decline(response, at: target)
                throw refusal(response)
            }
        }
        throw .refused(status: 308, "the server redirects more than \(Self.redirectLimit) times")
    }

    /// Sends candidates that came after the offer; false where the server takes none, which is no reason to give up.
    package func trickle(_ fragment: TrickleFragment, to session: Session) -> Bool {
        var headers = [HTTPResponse.Header("Content-Type", "application/trickle-ice-sdpfrag")]
        if let tag = session.entityTag { headers.append(.init("If-Match", tag)) }
        let response = try? send(
            "PATCH", to: session.resource, isTrusted: true, headers, body: Array(fragment.description.utf8))
        return response.map { (200..<300).contains($0.status) } ?? false
    }

    /// Ends the call.
    package func hangUp(_ session: Session) throws(Failure) {
        let response = try send("DELETE", to: session.resource, isTrusted: true)
        // 404: it was over already
        guard (200..<300).contains(response.status) || response.status == 404 else { throw refusal(response) }
    }

    // MARK: Answers

    private func session(from response: HTTPResponse, at url: URL) throws(Failure) -> Session {
        guard let resource = response.location(relativeTo: url) else { throw strange("it names no resource") }
        guard response.mediaType == "application/sdp" else {
            throw strange("its answer is of the type “\(response.mediaType)”")
        }
        return Session(
            resource: resource, entityTag: response.field("etag"),
            iceServers: ICEServer.links(in: response.field("link") ?? ""),
            answer: String(decoding: response.body, as: UTF8.self))
    }

    /// A server that cannot use the offer may make one of its own (406 with a description). This player's offer says all
    /// that it can take, so that there is nothing to answer: the resource, where there is one, is given back.
    private func decline(_ response: HTTPResponse, at url: URL) {
        guard response.status == 406, let resource = response.location(relativeTo: url) else { return }
        _ = try? send("DELETE", to: resource, isTrusted: Self.haveSameOrigin(resource, url))
    }

    private func strange(_ reason: String) -> Failure {
        .notWHEP("this is no \(role == .viewer ? "WHEP" : "WHIP") server: \(reason)")
    }

    private func refusal(_ response: HTTPResponse) -> Failure {
        let words = String(decoding: response.body.prefix(300), as: UTF8.self)
        let isText = response.mediaType.hasPrefix("text/plain") || response.mediaType.isEmpty
        let said = isText ? words.split(whereSeparator: \.isNewline).first.map { ": \($0)" } ?? "" : ""
        let reason =
            switch response.status {
            case 401, 403:
                "the server wants a token that it accepts (\(role == .viewer ? "--token" : "publish.whip_token"))"
            case 404, 410: "the server has nothing at this address"
            case 405: "the server takes no calls at this address"
            case 406 where response.mediaType == "application/sdp" && role == .viewer:
                "the server would rather make the offer itself, with codecs that this viewer has not: it takes H.264 and Opus"
            case 406: "the server \(role == .viewer ? "sends" : "takes") neither H.264 nor Opus"
            case 300..<400: "the server redirects by \(response.status), which does not keep a call a call"
            case 429, 503:
                "the server has no room at present"
                    + (response.field("retry-after").map { "; it says to try again in \($0) s" } ?? "")
            default: "the server answers \(response.status)"
            }
        let after = response.field("retry-after").flatMap { Int64($0) }.map { Duration.seconds(max(0, $0)) }
        return .refused(status: response.status, reason + said, retryAfter: after)
    }

    // MARK: Requests

    private func send(
        _ method: String, to url: URL, isTrusted: Bool, _ headers: [HTTPResponse.Header] = [], body: [UInt8] = []
    ) throws(Failure) -> HTTPResponse {
        guard let target = HTTPClient.Target(url) else { throw .badAddress(url.absoluteString) }
        var headers = headers
        // RFC 9110 §15.4: credentials are not for a server that another one names
        if let token, isTrusted { headers.append(.init("Authorization", "Bearer \(token)")) }
        do throws(HTTPClient.Failure) {
            return try http.send(method, to: target, headers: headers, body: body)
        } catch {
            throw .unreachable(error.description)
        }
    }

    private static func haveSameOrigin(_ one: URL, _ other: URL) -> Bool {
        guard let one = HTTPClient.Target(one), let other = HTTPClient.Target(other) else { return false }
        return one.isSecure == other.isSecure && one.host == other.host && one.port == other.port
    }
}

extension HTTPClient.Target {
    /// Where a request for `url` goes; nil where that is no http or https address.
    package init?(_ url: URL) {
        guard let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let host = url.host(percentEncoded: false), !host.isEmpty
        else { return nil }
        let path = url.path(percentEncoded: true)
        let query = url.query(percentEncoded: true).map { "?\($0)" } ?? ""
        let isSecure = scheme == "https"
        guard let port = UInt16(exactly: url.port ?? (isSecure ? 443 : 80)) else { return nil }
        self.init(
            isSecure: isSecure, host: String(host.drop { $0 == "[" }.prefix { $0 != "]" }), port: port,
            path: (path.isEmpty ? "/" : path) + query)
    }
}

extension HTTPResponse {
    /// The value of the field `name`, which is given in lower case.
    func field(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }

    /// The media type without its parameters, in lower case; empty where there is none.
    var mediaType: String {
        String((field("content-type") ?? "").prefix { $0 != ";" }.filter { $0 != " " }).lowercased()
    }

    /// Where `Location` points, seen from `url` (RFC 3986 §5).
    func location(relativeTo url: URL) -> URL? {
        field("location").flatMap { URL(string: $0, relativeTo: url)?.absoluteURL }
    }
}
