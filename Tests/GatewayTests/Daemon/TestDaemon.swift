import DTLS
import Glibc
import Web
import Wire

@testable import Gateway

/// A daemon within the test: test card, tone, no speaker, no button, loopback only. Whoever reaches it may come in, unless
/// the test says otherwise.
final class TestDaemon: Sendable {
    private let daemon: Daemon
    private let thread: WorkerThread
    let startError: String?

    init(state: String, change: (inout Configuration) -> Void = { _ in }) {
        var configuration = Configuration()
        configuration.state.folder = state
        configuration.web.address = .v4(0x7F00_0001)
        configuration.web.port = 0
        configuration.web.https = false
        configuration.web.authentication = .none
        configuration.video.source = .testCard
        configuration.video.width = 320
        configuration.video.height = 180
        configuration.video.frameRate = 5
        configuration.audio.capture = .tone
        configuration.audio.playback = .none
        configuration.button.enabled = false
        configuration.network.interfaces = ["lo"]
        configuration.network.stunFallback = nil
        configuration.log.level = .error
        change(&configuration)
        let loop = EventLoop<Daemon>()
        let daemon = Daemon(layers: ConfigurationLayers(given: configuration), environment: [:], loop: loop)
        let started = Handover<String>(capacity: 1)
        self.daemon = daemon
        thread = WorkerThread(name: "daemon") { _ in
            loop.adopt()
            daemon.assumeIsolated { daemon in
                let error = daemon.start()
                started.give(error?.description ?? "")
                guard error == nil else { return }
                loop.run(as: daemon) { $0.turn() }
                daemon.finishStop()
            }
        }
        let error = started.take(timeout: .seconds(60))
        startError = error == "" ? nil : error ?? "it never started"
    }

    /// Something of the daemon's, from its own thread.
    func ask<Answer: Sendable>(_ question: @escaping @Sendable (isolated Daemon) -> Answer) -> Answer? {
        let answers = Handover<Answer>(capacity: 1)
        daemon.loop.submit { answers.give(question($0)) }
        return answers.take(timeout: .seconds(60))
    }

    var fingerprint: String? { ask { $0.certificate.map { "\($0.fingerprint(.sha256))" } } ?? nil }
    var port: UInt16? { ask { $0.web?.port } ?? nil }

    func stop() {
        daemon.loop.stop()
        thread.join()
    }
}
