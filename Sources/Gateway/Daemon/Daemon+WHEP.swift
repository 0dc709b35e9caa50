import Calls
import ICE
import PeerConnection
import SDP
import Web
import Wire

/// WHEP (draft-ietf-wish-whep): any player watches the door with one HTTP request.
///
/// ```
/// player                                    door
///   │ POST /whep            (SDP offer)       │
///   │────────────────────────────────────────►│
///   │ 201 Created, Location, ETag (SDP answer)│
///   │◄────────────────────────────────────────│
///   │ PATCH Location  (trickle candidates)    │
///   │────────────────────────────────────────►│ 204
///   │ DELETE Location                         │
///   │────────────────────────────────────────►│ 200
/// ```
extension Daemon {
    /// A player on any page may watch: the answer says so (WHEP §4.1 asks for CORS).
    private static let crossOrigin: [HTTPResponse.Header] = [
        .init("Access-Control-Allow-Origin", "*"),
        .init("Access-Control-Expose-Headers", "Location, ETag, Link"),
    ]

    /// How long an answer waits for the addresses that servers tell: there is no way to tell a player of them later. A
    /// relay's may be the only one that works; without that of STUN the player's own checks find it, or it is at home, where
    /// no server may be in reach at all.
    private var answerPatience: Duration {
        configuration.network.turnServers.isEmpty ? .milliseconds(250) : .milliseconds(1500)
    }

    /// What a player asks of its session, which is its caller's alone: to others there is none.
    func answerPlayer(_ visit: Endpoint.Visit) -> HTTPResponse {
        guard let session = players[visit.name].flatMap({ sessions[$0] }), session.caller == visit.caller else {
            return refusal(404, "This player's session is over.")
        }
        guard visit.request.method == "DELETE" else { return trickle(visit.request, to: session, at: visit.now) }
        endSession(session.id, because: "it said good-bye", at: visit.now)
        return HTTPResponse(status: 200, headers: Self.crossOrigin)
    }

    func preflight(_ methods: String) -> HTTPResponse {
        HTTPResponse(
            status: 204,
            headers: Self.crossOrigin + [
                .init("Access-Control-Allow-Methods", methods),
                .init("Access-Control-Allow-Headers", "Content-Type, Authorization, If-Match"),
                .init("Accept-Post", "application/sdp"),
            ])
    }

    private func refusal(_ status: Int, _ reason: String) -> HTTPResponse {
        HTTPResponse(status: status, text: reason + "\n", headers: Self.crossOrigin)
    }

    /// Nil where the answer comes later.
    func startPlayer(_ visit: Endpoint.Visit) -> HTTPResponse? {
        let (request, now) = (visit.request, visit.now)
        guard request.contentType == "application/sdp" else {
            return refusal(415, "An offer is of the type application/sdp.")
        }
        guard stoppingUntil == nil, players.count < Self.maximumPlayers else {
            var busy = refusal(503, "The door serves as many players as it can.")
            busy.headers.append(.init("Retry-After", "10"))
            return busy
        }
        let name = random.token(22)  // 131 bits: nobody guesses another player's resource
        let session = startSession(for: .player(name), at: now)
        session.caller = visit.caller
        do throws(RTCError) {
            session.addTracks()
            let offer = RTCSessionDescription(type: .offer, sdp: String(decoding: request.body, as: UTF8.self))
            try session.peer.setRemoteDescription(offer, at: now)
            try session.peer.setLocalDescription(at: now)
            guard session.peer.sendsAnything else {
                throw .notSupported("the offer wants neither H.264 (packetization-mode 1) nor Opus from the door")
            }
            log.info("whep: a player at \(request.remoteAddress) watches")
            hub.handle(.watchersChanged(players.count), at: now)
            guard session.peer.iceGatheringState != .complete else { return created(name, session) }
            awaitedAnswers[session.id] = (visit.id, now + answerPatience)
            return nil
        } catch {
            endSession(session.id, because: error.description, at: now)
            if case .notSupported = error { return refusal(406, error.description) }
            return refusal(400, error.description)
        }
    }

    private func created(_ name: String, _ session: Session) -> HTTPResponse {
        HTTPResponse(
            status: 201,
            headers: Self.crossOrigin + [
                .init("Content-Type", "application/sdp"), .init("Location", "/whep/\(name)"),
                .init("ETag", entityTag(of: session)),
            ] + iceServerLinks,
            body: Array((session.peer.localDescription?.sdp ?? "").utf8))
    }

    /// Answers the players whose peers have all their candidates, or have waited long enough.
    func answerPlayers(at now: Instant) {
        guard !awaitedAnswers.isEmpty else { return }
        for (id, awaited) in awaitedAnswers {
            guard let session = sessions[id], case .player(let name) = session.viewer else {
                awaitedAnswers[id] = nil
                web?.respond(to: awaited.request, with: refusal(503, "The door could not take the call."))
                continue
            }
            guard session.peer.iceGatheringState == .complete || now >= awaited.until else { continue }
            awaitedAnswers[id] = nil
            web?.respond(to: awaited.request, with: created(name, session))
        }
    }

    /// The ICE servers a player should use (WHEP §4.6, RFC 9725 §4.6).
    private var iceServerLinks: [HTTPResponse.Header] {
        configuration.network.iceServers(for: "viewer", at: .now).map(ICEServer.init).flatMap { server in
            server.urls.map { url in
                var value = "<\(url)>; rel=\"ice-server\""
                if let username = server.username, let credential = server.credential {
                    value += "; username=\"\(username)\"; credential=\"\(credential)\"; credential-type=\"password\""
                }
                return HTTPResponse.Header("Link", value)
            }
        }
    }

    /// Names the ICE session (RFC 9725 §4.3.1).
    private func entityTag(of session: Session) -> String { "\"\(session.peer.localUsernameFragments.first ?? "")\"" }

    private func trickle(_ request: HTTPRequest, to session: Session, at now: Instant) -> HTTPResponse {
        guard request.contentType == "application/trickle-ice-sdpfrag" else {
            return refusal(415, "Candidates are of the type application/trickle-ice-sdpfrag.")
        }
        // RFC 9725 §4.3.1: the ETag names the ICE session; another one's candidates are refused
        if let condition = request.headers["if-match"], condition != "*", condition != entityTag(of: session) {
            return refusal(412, "The candidates belong to another ICE session.")
        }
        do throws(SDPError) {
            let fragment = try TrickleFragment(parsing: String(decoding: request.body, as: UTF8.self))
            return add(fragment, to: session, at: now)
        } catch {
            return refusal(400, error.description)
        }
    }

    private func add(_ fragment: TrickleFragment, to session: Session, at now: Instant) -> HTTPResponse {
        do throws(RTCError) {
            for section in fragment.sections {
                for candidate in section.candidates {
                    try session.peer.addIceCandidate(
                        RTCIceCandidate(
                            candidate: candidate, sdpMid: section.mid, sdpMLineIndex: nil,
                            usernameFragment: fragment.iceUfrag), at: now)
                }
                if section.hasEndOfCandidates {
                    try session.peer.addIceCandidate(
                        RTCIceCandidate(candidate: "", sdpMid: section.mid, sdpMLineIndex: nil), at: now)
                }
            }
            return HTTPResponse(status: 204, headers: Self.crossOrigin)
        } catch {
            return refusal(400, error.description)
        }
    }
}

extension HTTPRequest {
    /// The media type without its parameters, in lower case.
    var contentType: String {
        let value = headers["content-type"] ?? ""
        let type = value.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
        return type.lowercased()
    }
}
