import Identity
import Web
import Wire

/// Coming in and going: pairing, invitations, who the caller is.
extension Daemon {
    private struct PairRequest: Decodable {
        let code: String
        let name: String?
        let device: String?
    }

    private struct JoinRequest: Decodable {
        let invitation: String
        let device: String?
    }

    /// Who the caller is, as the page is told.
    private struct CallerView: Encodable {
        /// Absent where the household does not say who may come in.
        let id: String?
        let name: String?
        let role: String
        let until: Int64?
        let mayManage: Bool
        /// Whether there is a meeting point that the page can be made known to.
        let meeting: Bool?
    }

    func pair(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let body = visit.request.decoded(as: PairRequest.self) else { return .badBody }
        guard let doorkeeper, doorkeeper.isAsked else { return .notAsked }
        doorkeeper.pair(
            code: body.code, name: body.name, device: body.device ?? "Browser", from: visit.request.remoteAddress,
            at: visit.now
        ) { [log, web, hasMeeting] result in
            switch result {
            case .success(let entry):
                let name = doorkeeper.household.person(entry.person)?.name ?? ""
                log.info("people: “\(name)” paired a device at \(visit.request.remoteAddress)")
            case .failure(.household(.wrongCode)):
                log.warning("people: a wrong pairing code from \(visit.request.remoteAddress)")
            case .failure: break
            }
            web?.respond(to: visit.id, with: Self.welcome(result, for: visit.request, by: doorkeeper, hasMeeting))
        }
        return nil
    }

    func join(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let body = visit.request.decoded(as: JoinRequest.self) else { return .badBody }
        guard let doorkeeper, doorkeeper.isAsked else { return .notAsked }
        guard doorkeeper.isInvitation(body.invitation, at: .now) else { return .failure(.household(.wrongInvitation)) }
        doorkeeper.change { (household, means) throws(IdentityError) in
            try household.join(
                invitation: body.invitation, device: body.device ?? "Browser", random: means.random,
                hashing: means.hashing, at: means.now)
        } then: { [log, web, hasMeeting] result in
            if case .success(let entry) = result {
                let name = doorkeeper.household.person(entry.person)?.name ?? ""
                log.info("people: “\(name)” came in by an invitation at \(visit.request.remoteAddress)")
            }
            web?.respond(to: visit.id, with: Self.welcome(result, for: visit.request, by: doorkeeper, hasMeeting))
        }
        return nil
    }

    /// The answer to somebody who has come in, or has not.
    private static func welcome(
        _ result: Result<Household.Entry, Doorkeeper.Refusal>, for request: HTTPRequest, by doorkeeper: Doorkeeper,
        _ hasMeeting: Bool
    ) -> HTTPResponse {
        switch result {
        case .failure(let refusal): return .failure(refusal)
        case .success(let entry):
            var response = describe(.person(entry.person, entry.session.id), by: doorkeeper, hasMeeting)
            response.headers.append(
                SessionCookie.set(doorkeeper.household.cookieName, to: entry.session.secret, for: request))
            return response
        }
    }

    func describeCaller(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let doorkeeper else { return .notAsked }
        var response = Self.describe(visit.caller, by: doorkeeper, hasMeeting)
        let name = doorkeeper.household.cookieName
        // browsers forget a cookie after 400 days, used or not
        if case .session(let secret) = visit.request.credential(cookie: name) {
            response.headers.append(SessionCookie.set(name, to: secret, for: visit.request))
        }
        return response
    }

    /// Whether there is a meeting point that pages can be made known to.
    private var hasMeeting: Bool { meetingView != nil }

    private static func describe(
        _ caller: Caller, by doorkeeper: Doorkeeper, _ hasMeeting: Bool
    ) -> HTTPResponse {
        let person = caller.person.flatMap { doorkeeper.household.person($0) }
        let role =
            switch caller {
            case .person: person?.role.word ?? ""
            case .program: "program"
            case .anybody: "anybody"
            }
        return .json(
            200,
            CallerView(
                id: person?.id.rawValue, name: doorkeeper.name(of: caller), role: role, until: person?.role.end,
                mayManage: doorkeeper.permissions(of: caller, at: .now).contains(.manage),
                meeting: hasMeeting ? true : nil))
    }

    func signOut(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard case .person(_, let device) = visit.caller, let doorkeeper else {
            return .failure(409, "no_session", "Only a browser signs out. A token is taken back by the owner.")
        }
        doorkeeper.change { (household, _) throws(IdentityError) in
            try household.remove(device)
        } then: { [web] result in
            var response = HTTPResponse(status: 204)
            if case .failure(let refusal) = result { response = .failure(refusal) }
            response.headers.append(SessionCookie.clear(doorkeeper.household.cookieName, for: visit.request))
            web?.respond(to: visit.id, with: response)
        }
        return nil
    }
}

extension HTTPResponse {
    /// 400, for a body that says nothing.
    static var badBody: HTTPResponse { failure(400, "bad_request", "The body is not the JSON that is wanted here.") }
    /// 409, where the household does not say who may come in.
    static var notAsked: HTTPResponse { failure(409, "no_household", "Nobody has to sign in at this door.") }
}
