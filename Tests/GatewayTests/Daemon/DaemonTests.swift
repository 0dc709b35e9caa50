import Calls
import DTLS
import Glibc
import Testing
import Web
import Wire

@testable import Gateway

@Suite(.timeLimit(.minutes(2))) struct DaemonTests {
    private let folder = TemporaryFolder()
    private var state: String { folder.path + "/state" }

    @Test func `A daemon that starts again has the same certificate`() {
        let first = TestDaemon(state: state)
        #expect(first.startError == nil)
        let fingerprint = first.fingerprint
        first.stop()
        #expect(fingerprint != nil)
        let second = TestDaemon(state: state)
        #expect(second.fingerprint == fingerprint)
        second.stop()
    }

    @Test func `A certificate that cannot be used is replaced, for good`() {
        mkdir(state, 0o700)
        put("half a certificate", at: state + "/certificate.pem")
        let first = TestDaemon(state: state)
        #expect(first.startError == nil)
        let fingerprint = first.fingerprint
        first.stop()
        let second = TestDaemon(state: state)
        #expect(fingerprint != nil)
        #expect(second.fingerprint == fingerprint)
        second.stop()
    }

    @Test func `Without a folder for its state a daemon serves all the same`() {
        put("", at: folder.path + "/file")
        let daemon = TestDaemon(state: folder.path + "/file/state")
        #expect(daemon.startError == nil)
        #expect(daemon.fingerprint != nil)
        #expect(daemon.port ?? 0 > 0)
        daemon.stop()
    }

    @Test func `The shell's ring is told how many pages ring, and anything else is an error`() {
        let daemon = TestDaemon(state: state)
        #expect(ControlSocket.ask("ring", at: [state + "/control"]) == "ok 0")
        #expect(ControlSocket.ask("dance", at: [state + "/control"]) == "error the daemon knows no “dance”")
        #expect(daemon.ask { $0.hub.isRinging } == true)
        daemon.stop()
        #expect(TemporaryFolder.names(in: state) == ["certificate.pem"])
    }

    @Test func `A second daemon leaves the first its ring and its port`() {
        let first = TestDaemon(state: state)
        let port = first.port ?? 0
        let second = TestDaemon(state: state) { $0.web.port = port }
        #expect(second.startError?.contains("another program already listens on port \(port)") == true)
        #expect(ControlSocket.ask("ring", at: [state + "/control"]) == "ok 0")

        // one with a port of its own serves, but rings nobody by the shell
        let third = TestDaemon(state: state)
        #expect(third.startError == nil)
        #expect(third.fingerprint == first.fingerprint)
        third.stop()
        #expect(ControlSocket.ask("ring", at: [state + "/control"]) == "ok 0")
        first.stop()
    }
}
