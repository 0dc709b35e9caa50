import FoundationEssentials
import Identity
import Web
import Wire

/// The household, for its owner.
extension Daemon {
    private struct InvitationRequest: Decodable {
        /// Who is invited; absent where `person` is there.
        let name: String?
        /// `owner`, `member` or `guest`; absent for a member.
        let role: String?
        /// When a guest's time ends, in seconds since 1970.
        let until: Int64?
        /// Whose further device it is.
        let person: String?

        var purpose: Invitation.Purpose? {
            if let person { return .device(of: PersonID(person)) }
            guard let name else { return nil }
            switch (role ?? "member", until) {
            case ("owner", nil): return .newcomer(name: name, role: .owner)
            case ("member", nil): return .newcomer(name: name, role: .member)
            case ("guest", let until?): return .newcomer(name: name, role: .guest(until: Timestamp(seconds: until)))
            default: return nil
            }
        }
    }

    private struct InvitationAnswer: Encodable {
        let id: String
        /// What to open. It is told this once.
        let link: String
        /// The link as a QR code, in SVG.
        let qr: String?
        /// What to open outside the house; absent where no copy of the page is there.
        let outsideLink: String?
    }

    private struct ProgramRequest: Decodable {
        let name: String
    }

    private struct ProgramAnswer: Encodable {
        let id: String
        /// What the program is to show. It is told this once.
        let token: String
    }

    func describeHousehold(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let doorkeeper else { return .notAsked }
        return .json(200, HouseholdView(doorkeeper.household, for: visit.caller, at: .now))
    }

    func invite(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let purpose = visit.request.decoded(as: InvitationRequest.self)?.purpose,
            let owner = visit.caller.person
        else { return .badBody }
        let outsideLink = outsideLink
        change(visit) { (household, means) throws(IdentityError) in
            try household.invite(
                for: purpose, by: owner, random: means.random, hashing: means.hashing, at: means.now)
        } answer: { issued in
            let link = visit.request.pageAddress + "#invite=\(issued.secret)"
            return .json(
                201,
                InvitationAnswer(
                    id: issued.id.rawValue, link: link, qr: QRCode(link)?.svg, outsideLink: outsideLink?(issued.secret))
            )
        }
        return nil
    }

    func addProgram(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let body = visit.request.decoded(as: ProgramRequest.self) else { return .badBody }
        change(visit) { (household, means) throws(IdentityError) in
            try household.addProgram(
                body.name, by: visit.caller.person, random: means.random, hashing: means.hashing, at: means.now)
        } answer: {
            .json(201, ProgramAnswer(id: $0.id.rawValue, token: $0.secret))
        }
        return nil
    }

    func remove(_ person: PersonID, _ visit: Endpoint.Visit) -> HTTPResponse? {
        remove(visit) { (household) throws(IdentityError) in try household.remove(person) }
    }

    func remove(_ device: DeviceID, _ visit: Endpoint.Visit) -> HTTPResponse? {
        remove(visit) { (household) throws(IdentityError) in try household.remove(device) }
    }

    func remove(_ invitation: InvitationID, _ visit: Endpoint.Visit) -> HTTPResponse? {
        remove(visit) { (household) throws(IdentityError) in try household.remove(invitation) }
    }

    func remove(_ program: ProgramID, _ visit: Endpoint.Visit) -> HTTPResponse? {
        remove(visit) { (household) throws(IdentityError) in try household.remove(program) }
    }

    private func remove(
        _ visit: Endpoint.Visit, _ removal: @escaping @Sendable (inout Household) throws(IdentityError) -> Void
    ) -> HTTPResponse? {
        change(visit) { (household, _) throws(IdentityError) in
            try removal(&household)
        } answer: { _ in
            HTTPResponse(status: 204)
        }
        return nil
    }

    private func change<Value: Sendable>(
        _ visit: Endpoint.Visit,
        _ body: @escaping @Sendable (inout Household, Doorkeeper.Means) throws(IdentityError) -> Value,
        answer: @escaping @Sendable (Value) -> HTTPResponse
    ) {
        doorkeeper?.change(body) { [web] result in
            switch result {
            case .success(let value): web?.respond(to: visit.id, with: answer(value))
            case .failure(let refusal): web?.respond(to: visit.id, with: .failure(refusal))
            }
        }
    }
}
