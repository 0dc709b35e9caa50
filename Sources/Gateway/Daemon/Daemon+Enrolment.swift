import Calls
import FoundationEssentials
import Identity
import Media
import Meeting
import Web
import Wire

/// How a page comes to know the meeting point: at home, or by an invitation that works elsewhere.
extension Daemon {
    private struct EnrolmentRequest: Decodable {
        /// The page's public key, 32 bytes in base64url.
        let key: String
    }

    /// What a page needs to call from outside.
    struct MeetingView: Encodable {
        struct Broker: Encodable {
            let url: String
            let username: String?
            let password: String?
            /// What topics begin with, where that is not `doorward`.
            let topic: String?
        }

        /// Names the door at the broker.
        let door: String
        /// The door's public key, in base64url.
        let key: String
        /// The door's name.
        let name: String
        let broker: Broker
    }

    /// What pages are told of the meeting point; nil where there is none.
    var meetingView: MeetingView? {
        guard let meeting, let url = configuration.meeting.pageBrokerURL else { return nil }
        let settings = configuration.meeting
        return MeetingView(
            door: meeting.sessions.door.rawValue, key: meeting.keys.publicKey.base64URL, name: configuration.door.name,
            broker: .init(
                url: url, username: settings.pageUsername.isEmpty ? nil : settings.pageUsername,
                password: settings.pagePassword.isEmpty ? nil : settings.pagePassword,
                topic: settings.topic == Configuration.Meeting().topic ? nil : settings.topic))
    }

    /// Keeps a page's public key with its device, and tells it where to call from outside.
    func enrol(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let view = meetingView, let doorkeeper else {
            return .failure(404, "no_meeting", "This door has no meeting point.")
        }
        guard case .person(_, let device) = visit.caller else {
            return .failure(403, "no_device", "Only a browser that somebody is signed in on can call from outside.")
        }
        guard let text = visit.request.decoded(as: EnrolmentRequest.self)?.key, let key = [UInt8](base64URL: text),
            key.count == X25519KeyPair.keyBytes
        else { return .failure(400, "bad_key", "A public key has 32 bytes, in base64url without padding.") }
        doorkeeper.change { (household, _) throws(IdentityError) in
            let isAnother = household.caller(holding: key, at: .now) != visit.caller
            try household.setMeetingKey(key, of: device)
            return isAnother
        } then: { [self, web] result in
            switch result {
            case .success(let isAnother):
                web?.respond(to: visit.id, with: .json(200, view))
                if isAnother { loop.submit { $0.cutMeetings(of: visit.caller) } }
            case .failure(let refusal): web?.respond(to: visit.id, with: .failure(refusal))
            }
        }
        return nil
    }

    /// Ends what goes on under a key that has been replaced.
    private func cutMeetings(of caller: Caller) {
        let now = MonotonicClock.now
        for (participant, link) in links where callers[participant] == caller {
            if case .meeting = link { expel(participant, at: now) }
        }
    }

    /// The link by which an invitation with this secret is used outside the house; nil where no copy of the page is there.
    var outsideLink: (@Sendable (String) -> String)? {
        guard let page = configuration.meeting.pageURL, let view = meetingView else { return nil }
        let meeting = Array(encodeAsJSON(view).utf8).base64URL
        return { secret in "\(page)#invite=\(secret)&meeting=\(meeting)" }
    }
}
