import Calls
import Identity
import Media
import Web
import Wire

/// Who is in the house: at the start, and while people come, go and are sent away.
extension Daemon {
    /// How often it is looked whether somebody's time is over, at the least: the clock may be set, and whoever leaves the
    /// page open for months is here all the time.
    private static let longestUnchecked = Duration.seconds(60)

    func prepareHousehold() throws(StartError) {
        let isAsked = configuration.web.authentication == .household
        var file: HouseholdFile?
        do throws(StateError) {
            if isAsked, let stateFolder {
                try stateFolder.create()
                file = HouseholdFile(in: stateFolder)
            }
        } catch {
            log.warning("people: \(error); whoever pairs has to do so again after a restart")
        }
        do throws(StateError) {
            doorkeeper = try Doorkeeper(file: file, isAsked: isAsked) { [self] in
                loop.submit { $0.expelUninvited(at: MonotonicClock.now) }
            }
        } catch {
            throw StartError(description: "cannot tell who may come in: \(error)")
        }
        if isAsked { uninvitedCheckedAt = MonotonicClock.now }
    }

    /// Says how to come in, where nobody has yet.
    func announcePairing() {
        guard let doorkeeper else { return }
        guard doorkeeper.isAsked else {
            log.warning("web.authentication is none: whoever reaches the page sees and hears the door")
            return
        }
        guard doorkeeper.household.isNew else { return }
        let address = invitingAddress
        doorkeeper.makePairingCode { [log] result in
            switch result {
            case .success(let code):
                log.info(
                    "people: nobody has paired yet; open \(address) and enter the code \(code), or scan what “doorward pair” shows"
                )
            case .failure(let refusal): log.error("people: no pairing code could be made: \(refusal)")
            }
        }
    }

    /// Where another device opens the page. Over plain HTTP: a device that does not trust the door yet is told there how to,
    /// and one that does is sent on.
    private var invitingAddress: String {
        "http://\(outwardHosts.first ?? "localhost"):\(web?.port ?? 0)/"
    }

    // MARK: Pages

    /// Why `request` may open no WebSocket; nil where it may. Asked on the web server's thread.
    nonisolated static func refusal(of request: HTTPRequest, by doorkeeper: Doorkeeper) -> HTTPResponse? {
        let now = Timestamp.now
        guard let caller = doorkeeper.caller(of: request, at: now) else {
            return HTTPResponse(
                status: 401, text: "Sign in on the door's page, or show a token.\n",
                headers: [.init("WWW-Authenticate", "Bearer realm=\"doorward\"")])
        }
        guard doorkeeper.permissions(of: caller, at: now).contains(.call) else {
            return HTTPResponse(status: 403, text: "This is for others in the household.\n")
        }
        return nil
    }

    /// What a page may say, with the name that others are to see: a person's own, wherever there is one.
    func named(_ message: ViewerMessage, from participant: ParticipantID) -> ViewerMessage {
        guard case .presence(_, let takesCalls) = message, let caller = callers[participant],
            let name = doorkeeper?.name(of: caller)
        else {
            return message
        }
        return .presence(name: name, takesCalls: takesCalls)
    }

    // MARK: Being sent away

    /// Ends what is under way for those who no longer belong here: at once, in the middle of a call, too.
    func expelUninvited(at now: Instant) {
        guard let doorkeeper, doorkeeper.isAsked else { return }
        let time = Timestamp.now
        let mayCall = { (caller: Caller) in doorkeeper.permissions(of: caller, at: time).contains(.call) }
        // calls before pages: a call outlives its page for a while
        for session in sessions.values where !mayCall(session.caller) {
            switch session.viewer {
            case .call(let call): hub.handle(.callRevoked(call), at: now)
            case .player: endSession(session.id, because: "its caller may no longer watch", at: now)
            // nobody calls there: the owner has the door send to it
            case .publication: break
            }
        }
        for (participant, caller) in callers {
            if mayCall(caller) {
                doorkeeper.noteUse(of: caller, at: time)
            } else {
                expel(participant, at: now)
            }
        }
        let end = doorkeeper.household.nextEnd(after: time).map { $0 - time } ?? Self.longestUnchecked
        uninvitedCheckedAt = now + min(max(end, .seconds(1)), Self.longestUnchecked)
    }

    func expel(_ participant: ParticipantID, at now: Instant) {
        callers[participant] = nil
        guard let link = links.removeValue(forKey: participant) else { return }
        participants[link] = nil
        close(link, because: "signed out", at: now)
        hub.handle(.viewerExpelled(participant), at: now)
        log.info("people: page \(participant.short) was signed out")
    }

    // MARK: The shell on the board

    /// Answers `doorward pair`, `token`, `people` and `revoke`; false where `question` is none of theirs. Whoever can ask
    /// here stands at the device, or is its administrator.
    func answerHousehold(_ question: ControlSocket.Question) -> Bool {
        guard let doorkeeper else { return false }
        let words = question.text.split(separator: " ", maxSplits: 1).map(String.init)
        let argument = words.count == 2 ? words[1] : ""
        switch words.first {
        case "pair" where !doorkeeper.isAsked:
            question.answer("error web.authentication is none: nobody has to pair")
        case "pair":
            let address = invitingAddress
            doorkeeper.makePairingCode { result in
                question.answer(result.inWords { code in "\(code) \(address)" })
            }
        case "token":
            doorkeeper.change { (household, means) throws(IdentityError) in
                try household.addProgram(
                    argument, by: nil, random: means.random, hashing: means.hashing, at: means.now)
            } then: {
                question.answer($0.inWords(\.secret))
            }
        case "people":
            question.answer("ok " + HouseholdView(doorkeeper.household, for: .anybody, at: .now).text)
        case "revoke":
            doorkeeper.change { (household, _) throws(IdentityError) in
                try household.remove(named: argument)
            } then: {
                question.answer($0.inWords { _ in "it may no longer come in" })
            }
        default: return false
        }
        return true
    }
}

extension Result where Failure == Doorkeeper.Refusal {
    /// As the control socket answers.
    fileprivate func inWords(_ text: (Success) -> String) -> String {
        switch self {
        case .success(let value): "ok \(text(value))"
        case .failure(.household(let error)): "error \(error)"
        case .failure(.notKept(let error)): "error \(error)"
        case .failure(.busy): "error there is too much to do"
        }
    }
}
