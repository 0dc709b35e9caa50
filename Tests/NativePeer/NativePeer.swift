import DTLS
import Gateway
import Glibc
import PeerConnection
import RTP
import Wire

/// A viewer without a browser, watching the door's WHEP address: what `doorward view` calls with, for tests and
/// measurements.
public final class NativePeer {
    private let viewer: Viewer
    private let client = WHEPClient()
    private let session: WHEPClient.Session
    /// The last whole picture that a decoder can start at.
    public private(set) var lastKeyFrame: H264Depacketizer.Frame?

    /// Connecting takes a certificate, which takes longer to make than the call; one serves all peers of a program.
    nonisolated(unsafe) private static var certificate: DTLSCertificate?

    /// Makes the certificate, for peers that many threads then make.
    public static func prepare() throws {
        certificate = try certificate ?? DTLSCertificate(generatedAt: Int64(time(nil)))
    }

    /// Calls the door whose WHEP address is `/whep` at `server`, over the local address `local`; without `usesUDP` over
    /// TCP alone.
    public init(calling server: SocketAddress, from local: IPAddress, usesUDP: Bool = true) throws {
        try Self.prepare()
        guard let certificate = Self.certificate else { preconditionFailure("it was prepared") }
        viewer = try Viewer(on: [local], certificate: certificate, usesUDP: usesUDP)
        session = try client.call("http://\(server)/whep", offer: viewer.offer)
        try viewer.accept(session.answer)
        viewer.onPicture = { [unowned self] frame in
            if frame.isKeyFrame { lastKeyFrame = frame }
            onPicture?(viewer.age(of: frame))
        }
    }

    /// Is told of each whole picture, and how long ago it was captured where the door's clock is this machine's; nil
    /// before the door's first report.
    public var onPicture: ((Duration?) -> Void)?

    /// Whole pictures so far.
    public var pictures: Int { viewer.received.pictures }
    /// Pictures that a decoder can start at, so far.
    public var keyFrames: Int { viewer.received.keyFrames }
    /// Packets of sound so far.
    public var soundPackets: Int { viewer.received.soundPackets }
    /// The answer came after this long; nil before.
    public var answered: Duration? { viewer.timeline.answered }
    /// ICE and DTLS were done after this long; nil before.
    public var connected: Duration? { viewer.timeline.connected }
    /// The first key frame was whole after this long; nil before.
    public var firstKeyFrame: Duration? { viewer.timeline.firstKeyFrame }
    /// The connection's state.
    public var connectionState: RTCPeerConnectionState { viewer.connectionState }

    /// Takes part until `condition` holds; false where it does not within `limit`.
    @discardableResult
    public func run(for limit: Duration, until condition: (NativePeer) -> Bool = { _ in false }) -> Bool {
        viewer.run(for: limit) { _ in condition(self) }
    }

    /// Says good-bye and ends the session.
    public func hangUp() throws {
        viewer.close()
        try client.hangUp(session)
    }
}
