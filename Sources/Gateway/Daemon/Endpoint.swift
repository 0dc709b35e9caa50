import Identity
import Web
import Wire

/// Something that HTTP requests can ask for: the one table of them all. Who is not named as allowed is not; so a new line
/// cannot be open by oversight.
struct Endpoint: Sendable {
    /// Who may ask.
    enum Access: Hashable, Sendable {
        /// Whoever can reach the device.
        case anyone
        /// A caller with this permission.
        case caller(Permission)
    }

    /// A request, with what was found out about it.
    struct Visit {
        let request: HTTPRequest
        let id: RequestID
        /// Who asks; `.anybody` where access is for anyone and nobody that belongs here asks.
        let caller: Caller
        /// What stands in the place of the path's star.
        let name: String
        let now: Instant
    }

    let method: String
    /// The path; a star stands for any one part.
    let path: String
    let access: Access
    /// Nil where the answer comes later.
    let answer: @Sendable (isolated Daemon, Visit) -> HTTPResponse?

    private init(
        _ method: String, _ path: String, for access: Access,
        _ answer: @escaping @Sendable (isolated Daemon, Visit) -> HTTPResponse?
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.answer = answer
    }

    /// Every one, besides the page's own files and the WebSocket, which `Web` serves.
    static let all: [Endpoint] = [
        // who is to trust the door must first be told how
        Endpoint("GET", "/certificate/*", for: .anyone) { $0.certificateResponse(to: $1.request, part: $1.name) },

        // coming in
        Endpoint("POST", "/api/pair", for: .anyone) { $0.pair($1) },
        Endpoint("POST", "/api/join", for: .anyone) { $0.join($1) },
        Endpoint("GET", "/api/me", for: .caller(.call)) { $0.describeCaller($1) },
        Endpoint("POST", "/api/sign-out", for: .caller(.call)) { $0.signOut($1) },
        Endpoint("PUT", "/api/meeting", for: .caller(.call)) { $0.enrol($1) },

        // the household
        Endpoint("GET", "/api/people", for: .caller(.manage)) { $0.describeHousehold($1) },
        Endpoint("DELETE", "/api/people/*", for: .caller(.manage)) { $0.remove(PersonID($1.name), $1) },
        Endpoint("DELETE", "/api/devices/*", for: .caller(.manage)) { $0.remove(DeviceID($1.name), $1) },
        Endpoint("POST", "/api/invitations", for: .caller(.manage)) { $0.invite($1) },
        Endpoint("DELETE", "/api/invitations/*", for: .caller(.manage)) { $0.remove(InvitationID($1.name), $1) },
        Endpoint("POST", "/api/programs", for: .caller(.manage)) { $0.addProgram($1) },
        Endpoint("DELETE", "/api/programs/*", for: .caller(.manage)) { $0.remove(ProgramID($1.name), $1) },

        // the owner's settings
        Endpoint("GET", "/api/settings", for: .caller(.manage)) { daemon, _ in daemon.describeSettings() },
        Endpoint("PATCH", "/api/settings", for: .caller(.manage)) { $0.changeSettings($1) },

        // watching; a browser asks for leave without showing who it is (Fetch, CORS-preflight request)
        Endpoint("OPTIONS", "/whep", for: .anyone) { daemon, _ in daemon.preflight("OPTIONS, POST") },
        Endpoint("POST", "/whep", for: .caller(.call)) { $0.startPlayer($1) },
        Endpoint("OPTIONS", "/whep/*", for: .anyone) { daemon, _ in daemon.preflight("OPTIONS, PATCH, DELETE") },
        Endpoint("PATCH", "/whep/*", for: .caller(.call)) { $0.answerPlayer($1) },
        Endpoint("DELETE", "/whep/*", for: .caller(.call)) { $0.answerPlayer($1) },

        Endpoint("GET", "/api/turn-credentials", for: .caller(.call)) { daemon, _ in
            .json(200, TURNCredentials(daemon.configuration.network, for: "viewer", at: .now), isPretty: true)
        },

        Endpoint("GET", "/api/snapshot", for: .caller(.call)) { $0.takeSnapshot($1) },

        // looking after the device
        Endpoint("GET", "/api/status", for: .caller(.inspect)) { daemon, visit in daemon.status(at: visit.now) },
        Endpoint("GET", "/metrics", for: .caller(.inspect)) { daemon, visit in daemon.metrics(at: visit.now) },
    ]

    /// What stands in the star's place where `path` is this one's, and nothing where it has no star; nil where it is another
    /// path.
    func match(_ path: String) -> String? {
        let own = self.path.split(separator: "/")
        let other = path.split(separator: "/")
        guard own.count == other.count else { return nil }
        var name = ""
        for (pattern, part) in zip(own, other) {
            if pattern == "*" {
                name = String(part)
            } else if pattern != part {
                return nil
            }
        }
        return name
    }
}

extension Daemon {
    /// Answers a request, now or later.
    func answer(_ request: HTTPRequest, as id: RequestID, at now: Instant) {
        if let response = response(to: request, as: id, at: now) { web?.respond(to: id, with: response) }
    }

    /// What is answered at once; nil where that takes its time. Every check is here, before anything else has a look at
    /// the request.
    private func response(to request: HTTPRequest, as id: RequestID, at now: Instant) -> HTTPResponse? {
        let time = Timestamp.now
        let candidates = Endpoint.all.filter { $0.match(request.path) != nil }
        // RFC 9110 §9.3.2: HEAD is GET whose body is not sent, which is the web server's to see to
        let method = request.method == "HEAD" ? "GET" : request.method
        let endpoint = candidates.first { $0.method == method }
        let caller = doorkeeper?.caller(of: request, at: time)
        guard caller != nil || endpoint?.access == .anyone else { return refusal(of: request) }
        guard let endpoint else {
            guard !candidates.isEmpty else { return HTTPResponse(status: 404, text: "There is nothing here.\n") }
            return .methodNotAllowed(allow: candidates.map(\.method).joined(separator: ", "))
        }
        guard method == "GET" || method == "OPTIONS" || isOfOwnPage(request) else {
            return .failure(403, "foreign_origin", "Pages of other origins may change nothing here.")
        }
        if case .caller(let permission) = endpoint.access {
            guard let caller, doorkeeper?.permissions(of: caller, at: time).contains(permission) == true else {
                return .failure(403, "not_allowed", "This is for others in the household.")
            }
        }
        return endpoint.answer(
            self,
            .init(
                request: request, id: id, caller: caller ?? .anybody, name: endpoint.match(request.path) ?? "", now: now
            ))
    }

    /// Whether a request that changes something comes from where it may.
    ///
    /// A browser sends a cookie along whatever page made it send the request, and says whose page that was. A bearer token
    /// it does not send by itself: whoever shows one has it, on whatever page.
    private func isOfOwnPage(_ request: HTTPRequest) -> Bool {
        if request.bearer != nil { return true }
        switch request.isFromForeignPage {
        case true: return false
        case false: return true
        // no browser, or none that can be trusted with a cookie
        default: return request.headers["cookie"] == nil
        }
    }

    /// 401, for whoever shows nothing that is valid.
    func refusal(of request: HTTPRequest) -> HTTPResponse {
        let isNew = doorkeeper?.household.isNew ?? false
        var response = HTTPResponse.json(
            401, Failure(error: "sign_in", message: "Sign in on the door's page, or show a token.", isNew: isNew))
        // RFC 6750 §3: an error is named only where a token was shown
        let error = request.bearer == nil ? "" : ", error=\"invalid_token\""
        response.headers.append(.init("WWW-Authenticate", "Bearer realm=\"doorward\"\(error)"))
        if request.path.hasPrefix("/whep") { response.headers.append(.init("Access-Control-Allow-Origin", "*")) }
        return response
    }

    private struct Failure: Encodable {
        let error: String
        let message: String
        /// Whether nobody has paired yet.
        let isNew: Bool
    }
}
