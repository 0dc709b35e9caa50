import Identity
import Web

extension Household {
    /// The cookie that holds a session. Cookies know no ports: two doors on one host need two names.
    var cookieName: String { "doorward-\(record.id)" }
}

extension HTTPRequest {
    /// What the sender shows: a bearer token before a session, for a program sends it on purpose.
    func credential(cookie name: String) -> Credential? {
        if let bearer { return .bearer(bearer) }
        return session(in: name).map(Credential.session)
    }

    /// RFC 6750 §2.1; the scheme's case does not matter (RFC 9110 §11.1).
    var bearer: String? {
        guard let field = headers["authorization"] else { return nil }
        let parts = field.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].drop { $0 == " " })
    }

    /// RFC 6265 §4.2.1
    private func session(in cookie: String) -> String? {
        for pair in (headers["cookie"] ?? "").split(separator: ";") {
            let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, parts[0] == cookie { return String(parts[1]) }
        }
        return nil
    }

    /// Whether the browser that sent this asked by HTTPS: this server, or a proxy before it.
    var isFromSecurePage: Bool { isSecure || headers["origin"]?.lowercased().hasPrefix("https://") == true }

    /// The address of this server's page as whoever sent this sees it.
    var pageAddress: String { "\(isFromSecurePage ? "https" : "http")://\(host)/" }
}

/// The cookie of a session.
enum SessionCookie {
    /// Browsers keep none longer (400 days); it is set anew whenever the page is opened.
    private static let seconds = 34_560_000

    /// Strict, not Lax: an invitation's secret is behind the `#` of its link and reaches the daemon by a request of the
    /// page's own, so no cookie need ever come with a click on another site.
    static func set(_ name: String, to secret: String, for request: HTTPRequest) -> HTTPResponse.Header {
        header(name, secret, seconds, request)
    }

    static func clear(_ name: String, for request: HTTPRequest) -> HTTPResponse.Header {
        header(name, "", 0, request)
    }

    private static func header(
        _ name: String, _ value: String, _ age: Int, _ request: HTTPRequest
    ) -> HTTPResponse.Header {
        let secure = request.isFromSecurePage ? "; Secure" : ""
        return .init("Set-Cookie", "\(name)=\(value); Path=/; Max-Age=\(age); HttpOnly; SameSite=Strict\(secure)")
    }
}
