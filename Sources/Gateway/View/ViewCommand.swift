import CLinux
import DTLS
import Glibc
import ICE
import Media
import PeerConnection
import RTP
import SDP
import Web
import Wire

/// `doorward view URL`: watches any WHEP address in a terminal.
final class ViewCommand {
    /// How it ended, as the exit status.
    enum Outcome: Int32 {
        /// It was watched until the time was over, somebody stopped it, or the server ended it after it was seen.
        case watched = 0
        /// The server could not be reached, or did not take the call.
        case refused = 1
        /// No connection came about, or it broke.
        case notConnected = 3
        /// A file could not be written.
        case notSaved = 4
    }

    private let options: ViewOptions
    private let screen: ViewScreen
    private let complain: (String) -> Void
    private var videoFile: MediaFile?
    private var audioFile: MediaFile?
    private var sound: OggOpusStream
    private var fileFailure: MediaFile.Failure?
    private var isStopped = false

    /// How long a connection may take, and how long a broken one may take to come back.
    private static let patience = Duration.seconds(20)
    /// How long the servers have to tell candidates before the call.
    private static let gatheringPatience = Duration.seconds(3)

    init(_ options: ViewOptions, screen: ViewScreen, complain: @escaping (String) -> Void) {
        self.options = options
        self.screen = screen
        self.complain = complain
        sound = OggOpusStream(serialNumber: SystemRandomSource().uint32())
    }

    func run() -> Outcome {
        do {
            try openFiles()
            return try watch()
        } catch let failure as MediaFile.Failure {
            complain(failure.description)
            return .notSaved
        } catch {
            complain("\(error)")
            return .refused
        }
    }

    private func openFiles() throws {
        videoFile = try options.videoFile.map { path throws(MediaFile.Failure) in try MediaFile(path: path) }
        audioFile = try options.audioFile.map { path throws(MediaFile.Failure) in try MediaFile(path: path) }
        try audioFile?.write(sound.header())
    }

    private func watch() throws -> Outcome {
        let signals = linux_signals()
        defer { close(signals) }
        let client = WHEPClient(
            http: HTTPClient(trustsAnyCertificate: options.trustsAnyCertificate), token: options.token)
        let certificate = try DTLSCertificate(generatedAt: Int64(time(nil)))
        let viewer = try Viewer(on: Self.localAddresses, certificate: certificate, relays: relays)
        viewer.alarm = signals
        viewer.onPicture = { [unowned self] frame in save(frame) }
        viewer.onSound = { [unowned self] packet in save(packet) }
        viewer.onEvent = { [unowned self] event in tell(event) }
        if !options.iceServers.isEmpty {
            // what is found by then stands in the offer; the rest trickles
            viewer.run(for: Self.gatheringPatience) { $0.iceGatheringState == .complete }
        }
        screen.say("calling \(options.url)")
        let session = try client.call(options.url, offer: viewer.offer)
        if options.iceServers.isEmpty { viewer.setIceServers(session.iceServers.compactMap(\.peerServer)) }
        defer { leave(session, of: client, in: viewer) }
        let outcome = try take(session, of: client, in: viewer, signals: signals)
        try audioFile?.write(sound.finish())
        return outcome
    }

    /// The servers to use from the beginning on.
    private var relays: Viewer.Relays {
        var relays = Viewer.Relays()
        if !options.iceServers.isEmpty {
            relays.servers = [
                RTCIceServer(
                    urls: options.iceServers, username: options.iceUsername, credential: options.iceCredential)
            ]
        }
        relays.mayHaveMoreServers = options.iceServers.isEmpty
        relays.policy = options.isRelayOnly ? .relay : .all
        relays.authorities = options.iceAuthorities
        return relays
    }

    /// Sends the candidates that were found after the offer. Their end by itself is not worth a request.
    private func trickle(to session: WHEPClient.Session, of client: WHEPClient, from viewer: Viewer) {
        let candidates = viewer.takeCandidates()
        guard let first = candidates.first(where: { !$0.candidate.isEmpty }) else { return }
        let section = TrickleFragment.Section(
            mid: first.sdpMid, candidates: candidates.map(\.candidate).filter { !$0.isEmpty },
            hasEndOfCandidates: candidates.contains { $0.candidate.isEmpty })
        let fragment = TrickleFragment(
            iceUfrag: first.usernameFragment, icePwd: viewer.icePassword, sections: [section])
        if !client.trickle(fragment, to: session) { screen.say("the server takes no further candidates") }
    }

    private func take(
        _ session: WHEPClient.Session, of client: WHEPClient, in viewer: Viewer, signals: Int32
    ) throws -> Outcome {
        try viewer.accept(session.answer)
        let start = MonotonicClock.now
        let end = options.duration.map { start + $0 }
        var report = ViewReport(title: options.url, at: start)
        var nextReport = start + .seconds(1)
        var connectedUntil = start + Self.patience
        while true {
            viewer.run(for: .milliseconds(200)) { [unowned self] _ in
                while linux_signals_take(signals) != 0 { isStopped = true }
                let now = MonotonicClock.now
                return isStopped || fileFailure != nil || now >= nextReport || now >= end ?? nextReport
            }
            if let fileFailure { throw fileFailure }
            trickle(to: session, of: client, from: viewer)
            let now = MonotonicClock.now
            if now >= nextReport {
                screen.show(report.lines(of: viewer, saved: [videoFile, audioFile].compactMap(\.self), at: now))
                nextReport = now + .seconds(1)
            }
            switch viewer.connectionState {
            case .connected: connectedUntil = now + Self.patience
            case .closed:
                screen.say("the server ended the call")
                return .watched
            case .failed:
                complain("the call failed: \(viewer.failureReason?.description ?? "for no known reason")")
                return .notConnected
            case .new, .connecting, .disconnected: break
            }
            guard now < connectedUntil else {
                let isNew = viewer.timeline.connected == nil
                complain(isNew ? "no connection came about" : "the connection broke")
                return .notConnected
            }
            if isStopped || now >= end ?? connectedUntil {
                return viewer.timeline.connected == nil ? .notConnected : .watched
            }
        }
    }

    /// However it ended: a server that does not hear of it keeps a viewer for half a minute.
    private func leave(_ session: WHEPClient.Session, of client: WHEPClient, in viewer: Viewer) {
        viewer.close()
        // the media is over either way; that the server hears of it twice is a courtesy
        do throws(WHEPClient.Failure) { try client.hangUp(session) } catch { complain("hanging up: \(error)") }
    }

    /// This machine's addresses, those that lead outward first; loopback too, for a server on this machine.
    private static var localAddresses: [IPAddress] {
        let all = Set(NetworkInterface.current().map(\.address))
        let rank = { (ip: IPAddress) in ip.isLoopback ? 2 : ip.isLinkLocal ? 1 : 0 }
        return all.sorted { (rank($0), $0.description) < (rank($1), $1.description) }
    }

    private func tell(_ event: RTCPeerConnection.Event) {
        switch event {
        case .iceGatheringStateChanged(let state): screen.say("gathering: \(state.rawValue)")
        case .iceConnectionStateChanged(let state): screen.say("ICE: \(state.rawValue)")
        case .connectionStateChanged(let state): screen.say("connection: \(state.rawValue)")
        case .iceCandidateError(let error):
            screen.say("\(error.url) (from \(error.address)): \(error.errorCode) \(error.errorText)")
        case .iceCredentialsWanted(let url): screen.say("\(url): the credentials expire")
        case .track(_, let kind, let isActive): screen.say("\(kind): \(isActive ? "comes" : "has stopped")")
        default: break
        }
    }

    // MARK: Files

    private func save(_ frame: H264Depacketizer.Frame) {
        save { () throws(MediaFile.Failure) in try videoFile?.write(frame.byteStream) }
    }

    private func save(_ packet: RTPPacket) {
        guard let audioFile else { return }
        let pages = sound.append(Array(packet.payload), timestamp: packet.header.timestamp)
        save { () throws(MediaFile.Failure) in try audioFile.write(pages) }
    }

    private func save(_ write: () throws(MediaFile.Failure) -> Void) {
        do throws(MediaFile.Failure) { try write() } catch { fileFailure = error }
    }
}
