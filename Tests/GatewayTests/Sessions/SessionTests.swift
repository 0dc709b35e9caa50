import Calls
import DTLS
import PeerConnection
import SDP
import Testing
import Wire

@testable import Gateway

/// What a viewer's peer connection takes in and gives out.
@Suite struct SessionTests {
    private static let certificate = try! DTLSCertificate(generatedAt: 0)
    private let now = Instant.zero + .seconds(1)

    /// The directions that the door answers with when `viewer` offers to send and receive both.
    private func answer(to viewer: Session.Viewer) throws -> (session: Session, directions: [MediaDirection]) {
        let random = SeededRandomSource(seed: 1)
        let configuration = RTCPeerConnection.Configuration(certificate: Self.certificate)
        var caller = RTCPeerConnection(configuration: configuration, random: random)
        _ = caller.addTransceiver(.video, direction: .sendrecv)
        _ = caller.addTransceiver(.audio, direction: .sendrecv)
        try caller.setLocalDescription(at: now)

        let session = Session(
            id: SessionID(rawValue: 1), viewer: viewer, configuration: configuration, random: random, at: now)
        session.addTracks()
        try session.peer.setRemoteDescription(#require(caller.localDescription), at: now)
        try session.peer.setLocalDescription(at: now)
        let description = try SessionDescription(parsing: #require(session.peer.localDescription).sdp)
        return (session, description.media.map(\.direction))
    }

    @Test func `in a call the door takes in a voice and no picture`() throws {
        let (session, directions) = try answer(to: .call(CallID("call")))
        #expect(directions == [.sendonly, .sendrecv])
        let tracks = try #require(session.tracks)
        #expect(session.isVoice(tracks.audio))
        #expect(!session.isVoice(tracks.video))
    }

    @Test func `whoever but watches is not heard at the door`() throws {
        let (session, directions) = try answer(to: .player("player"))
        #expect(directions == [.sendonly, .sendonly])
        #expect(session.peer.allTransceivers.allSatisfy { !session.isVoice($0.id) })
    }
}
