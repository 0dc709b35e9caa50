import Board
import CLinux
import Calls
import DTLS
import Glibc
import ICE
import Identity
import Media
import PeerConnection
import RTP
import Web
import Wire

/// The door: everything that runs, wired together. An actor whose executor is the event loop, so that the compiler
/// keeps every other thread away from what the loop owns.
///
/// ```
/// VideoPipeline ─┐ (camera, encoder threads)                    ┌─► Session ─► MediaSockets ─► viewers
/// SoundCapture  ─┼──────────► loop: this actor ─────────────────┤
/// WebServer     ─┤                │    ▲                        └─► VoicePlayer (speaker thread)
/// button, ring  ─┘                ▼    │
///                               CallHub
/// ```
actor Daemon {
    nonisolated let loop: EventLoop<Daemon>
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// As it is now: the owner changes some of it on the page.
    var configuration: Configuration
    /// What the owner set there.
    let settings: SettingsKeeper
    let log: Log
    let random = SystemRandomSource()
    let stateFolder: StateFolder?
    let startedAt = MonotonicClock.now

    var hub: CallHub
    var devices = DoorDevices(camera: .none, microphone: .none, speaker: .none)
    var web: WebServer?
    /// The place at the meeting point; nil where there is none.
    var meeting: MeetingPoint?
    var links: [ParticipantID: PageLink] = [:]
    var participants: [PageLink: ParticipantID] = [:]
    /// Who belongs to the household.
    var doorkeeper: Doorkeeper?
    /// Who is at each page.
    var callers: [ParticipantID: Caller] = [:]
    /// When it is looked whether somebody's time is over.
    var uninvitedCheckedAt: Instant?

    var certificate: DTLSCertificate?
    /// What HTTPS shows; nil without HTTPS.
    var certificates: ServerCertificates?
    /// When that is looked at again.
    var certificateDueAt: Instant?
    var opener: StreamOpener
    /// What went wrong at STUN and TURN servers.
    var serverErrors = ICEServerErrors()
    /// When the pages are given new credentials for the TURN servers.
    var credentialsRenewedAt: Instant?
    let sockets: MediaSockets
    var sessions: [SessionID: Session] = [:]
    var calls: [CallID: SessionID] = [:]
    var players: [String: SessionID] = [:]
    /// Players whose answer waits for the TURN servers', with the time until which it does.
    var awaitedAnswers: [SessionID: (request: RequestID, until: Instant)] = [:]
    var nextSessionNumber = 1
    /// What the peers did that are gone.
    var departed = TrafficTotals()

    var video: VideoPipeline?
    var encodings: EncodingControl
    var schedule = FrameSchedule()
    /// Whether anybody watches or listens, as of the end of the last turn.
    var isWatched = false
    var sound: SoundCapture?
    /// Sends to a media server; nil where there is none.
    var publisher: Publisher?
    var expectedLoss = ExpectedLoss()
    var voices: VoicePlayer?
    /// What is being ended, to be begun anew.
    var ending: [Pipeline: WorkerThread] = [:]
    var button: GPIOButton?
    var chime: Chime?
    let lines: DoorLines
    var nextDeviceAttempt: Instant?
    var control: ControlSocket?
    var signals: Int32 = -1
    var routes: Int32 = -1
    let names: NameService
    /// When the daemon gives up waiting for the last good-byes to leave.
    var stoppingUntil: Instant?

    init(layers: ConfigurationLayers, environment: [String: String], loop: EventLoop<Daemon>) {
        self.loop = loop
        let log = Log(level: layers.given.log.level)
        self.log = log
        let stateFolder = layers.given.state.folder(environment: environment).map { StateFolder(path: $0) }
        self.stateFolder = stateFolder
        settings = SettingsKeeper(layers, in: stateFolder) { log.warning("settings: \($0)") }
        let configuration = settings.layers.configuration
        self.configuration = configuration
        names = NameService(random: random, log: log)
        sockets = MediaSockets(configuration: configuration.network, log: log)
        encodings = EncodingControl(configuration: configuration.video)
        lines = DoorLines(lock: configuration.lock, light: configuration.light)
        opener = StreamOpener(authorities: configuration.network.turnAuthorities)
        hub = CallHub(configuration: configuration.hubSettings, devices: devices, random: random)
    }

    // MARK: Start and stop

    /// Starts everything. Returns why it could not: for want of what no viewer can do without, which a device is not.
    func start() -> StartError? {
        log.info("doorward \(Command.programVersion) starts as “\(configuration.door.name)”")
        signals = linux_signals()
        loop.watch(signals, for: .readable) { daemon, _ in daemon.takeSignal() }
        do throws(StartError) {
            try prepareCertificate()
            // watched before they are read, so that none changes unseen
            watchAddresses()
            refreshSockets(at: MonotonicClock.now)
            try prepareHousehold()
            try startWeb()
        } catch {
            return error
        }
        prepareServers()
        startControl()
        announcePairing()
        startMedia()
        openLines(at: MonotonicClock.now)
        startPublishing(at: MonotonicClock.now)
        startMeeting(at: MonotonicClock.now)
        return nil
    }

    private func prepareCertificate() throws(StartError) {
        let now = WallClock.now
        do throws(StateError) {
            guard let stateFolder else {
                throw StateError(
                    description: "neither state.folder nor a home folder says where to keep the certificate")
            }
            try stateFolder.create()
            if let kept = keptCertificate(in: stateFolder, now: now) {
                certificate = kept
                log.debug("certificate: \(kept.fingerprint(.sha256)), kept in \(stateFolder.path)")
                return
            }
            let made = try makeCertificate(now: now)
            certificate = made
            try stateFolder.save(made)
            log.info("certificate: made a new one, kept in \(stateFolder.path)")
        } catch {
            log.warning("state: \(error); the certificate will not outlive this run")
            guard certificate == nil else { return }
            do throws(StateError) {
                certificate = try makeCertificate(now: now)
            } catch {
                throw StartError(description: error.description)
            }
        }
    }

    /// The certificate that `folder` keeps, unless there is none that can be used.
    private func keptCertificate(in folder: StateFolder, now: WallClock) -> DTLSCertificate? {
        do throws(StateError) {
            return try folder.loadCertificate(now: now)
        } catch {
            log.warning("state: \(error); a new one takes its place")
            return nil
        }
    }

    private func makeCertificate(now: WallClock) throws(StateError) -> DTLSCertificate {
        do throws(DTLSError) {
            return try DTLSCertificate(generatedAt: now.epochMilliseconds / 1000)
        } catch {
            throw StateError(description: "cannot make a certificate: \(error)")
        }
    }

    private func startControl() {
        guard let stateFolder else { return }
        do throws(StateError) {
            let control = try ControlSocket(path: stateFolder.controlSocket)
            self.control = control
            loop.watch(control.descriptor, for: .readable) { daemon, _ in daemon.answerControl() }
        } catch {
            log.warning("state: \(error); “doorward ring” will not reach this daemon")
        }
    }

    private func takeSignal() {
        while case let signal = linux_signals_take(signals), signal != 0 {
            guard signal != SIGHUP else { continue }
            if stoppingUntil != nil {
                loop.stop()
            } else {
                log.info("stopping (\(signal == SIGTERM ? "SIGTERM" : "SIGINT"))")
                beginStop()
            }
        }
    }

    /// Ends every call with its reason, and leaves the loop running for a moment so that the good-byes leave.
    private func beginStop() {
        stoppingUntil = MonotonicClock.now + .milliseconds(300)
        let now = MonotonicClock.now
        hub.handle(.shutdown, at: now)
        for player in players.values { endSession(player, because: EndReason.shutdown.inWords, at: now) }
        if let id = publisher?.session { endSession(id, because: EndReason.shutdown.inWords, at: now) }
    }

    /// Stops the threads; the loop is no longer running.
    func finishStop() {
        video?.stop()
        sound?.stop()
        voices?.stop()
        for thread in ending.values { thread.join() }
        settings.stop()
        names.stop()
        web?.stop()
        publisher?.stop()
        meeting?.stop()
        doorkeeper?.stop()
        chime = nil
        control = nil
        log.info("stopped after \((MonotonicClock.now - startedAt).inWords)")
    }

    // MARK: The turn

    /// Does what the events since the last turn led to; returns when the next turn is due at the latest.
    func turn() -> Instant? {
        let now = MonotonicClock.now
        if let stoppingUntil, now >= stoppingUntil { loop.stop() }
        if isWatched { sendScheduled(at: now) }
        if let deadline = hub.deadline, deadline <= now { hub.handle(.timePassed, at: now) }
        for session in sessions.values {
            guard let deadline = session.deadline, deadline <= now else { continue }
            session.passTime(at: now)
            if let deadline = session.recovery.deadline, deadline <= now { recover(session, .timePassed, at: now) }
        }
        if let deadline = names.deadline, deadline <= now { serveNames(at: now) }
        if let credentialsRenewedAt, credentialsRenewedAt <= now { renewPageCredentials(at: now) }
        advancePublisher(at: now)
        if let certificateDueAt, certificateDueAt <= now { refreshCertificate(at: now) }
        if let uninvitedCheckedAt, uninvitedCheckedAt <= now { expelUninvited(at: now) }
        if let nextDeviceAttempt, nextDeviceAttempt <= now { openLines(at: now) }
        if let deadline = meeting?.deadline, deadline <= now { meeting?.passTime(at: now) }
        // before the hub is drained: a press that its deadline completes has something to tell
        pollLines(at: now)
        // what a session tells may make the hub end another: until nobody has anything left to tell
        repeat {
            drainMeeting(at: now)
            drainHub(at: now)
            drainSessions(at: now)
        } while drainHub(at: now) || drainMeeting(at: now) || sessions.values.contains { $0.isUndrained }
        answerPlayers(at: now)
        flush()
        updateDemand(at: now)
        return earliest(
            earliest(
                hub.deadline, sessions.values.lazy.compactMap { $0.deadline }.min(), sockets.streams.deadline,
                names.deadline, isWatched ? schedule.deadline : nil, stoppingUntil, lines.deadline),
            earliest(nextDeviceAttempt, credentialsRenewedAt, certificateDueAt, uninvitedCheckedAt),
            publisher?.deadline, meeting?.deadline,
            awaitedAnswers.values.lazy.map { $0.until }.min(), button?.deadline, chime?.deadline)
    }

    /// Tells the pipelines whether anybody watches or listens.
    private func updateDemand(at now: Instant) {
        let wasWatched = isWatched
        isWatched = sessions.values.contains { $0.isConnected }
        if isWatched, !wasWatched { schedule.skip(to: now) }
        updateEncodings(at: now)
        sound?.setWanted(isWatched)
        if isWatched, let loss = expectedLoss.update(sessions.values.map { $0.peer.statistics.soundLoss }, at: now) {
            sound?.setExpectedLoss(loss)
        }
    }
}

/// How much loss the sound is prepared for: the most that any listener reports, which rises at once and falls slowly,
/// for loss comes in bursts.
struct ExpectedLoss {
    private var value = 0.0
    private var next: Instant?

    /// Takes what each listener reports, at most once a second; returns the new value where it has changed.
    mutating func update(_ reports: @autoclosure () -> [Double], at now: Instant) -> Double? {
        guard now >= next ?? now else { return nil }
        next = now + .seconds(1)
        let before = value
        // in whole percents, as Opus takes it; beyond a fifth more redundancy only takes bits from the speech itself
        let percent = max((reports().max() ?? 0) * 100, value * 90).rounded(.down)
        value = min(percent, 20) / 100
        return value == before ? nil : value
    }
}

/// Why the daemon could not start.
struct StartError: Error, CustomStringConvertible {
    let description: String
}

extension Duration {
    /// `3 h 12 min`, `12 min 5 s`, `5.2 s`, `63 ms`.
    var inWords: String {
        let milliseconds = nanoseconds / 1_000_000
        let seconds = milliseconds / 1000
        switch seconds {
        case ..<1: return "\(milliseconds) ms"
        case ..<60: return "\(seconds).\(milliseconds % 1000 / 100) s"
        case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
        default: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        }
    }
}
