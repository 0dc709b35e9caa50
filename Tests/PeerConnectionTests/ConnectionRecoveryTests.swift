import PeerConnection
import Testing
import Wire

/// The steps by which a lost connection comes back.
@Suite struct ConnectionRecoveryTests {
    private typealias Output = ConnectionRecovery.Output

    /// A connection that was up and is `disconnected` at the time 0; `patience` may be changed.
    private func lost(_ change: (inout ConnectionRecovery.Patience) -> Void = { _ in }) -> ConnectionRecovery {
        var patience = ConnectionRecovery.Patience()
        change(&patience)
        var recovery = ConnectionRecovery(patience: patience)
        recovery.handle(.connectionStateChanged(.connected), at: .zero)
        recovery.handle(.connectionStateChanged(.disconnected), at: .zero)
        return recovery
    }

    /// What comes of letting time pass, deadline by deadline, until there is none: each output with its second.
    private func outputs(
        of recovery: inout ConnectionRecovery,
        each: (inout ConnectionRecovery, Output, Instant) -> Void = { _, _, _ in }
    ) -> [(Double, Output)] {
        var all: [(Double, Output)] = []
        var now = Instant.zero
        while true {
            while let output = recovery.nextOutput() {
                all.append(((now - .zero).inSeconds, output))
                each(&recovery, output, now)
            }
            guard let deadline = recovery.deadline else { return all }
            now = max(now, deadline)
            recovery.handle(.timePassed, at: now)
        }
    }

    @Test func `a connection that is up wants nothing`() {
        var recovery = ConnectionRecovery()
        recovery.handle(.connectionStateChanged(.connecting), at: .zero)
        recovery.handle(.connectionStateChanged(.connected), at: .zero)
        #expect(recovery.state == .steady)
        #expect(recovery.deadline == nil)
        #expect(recovery.nextOutput() == nil)
    }

    @Test func `one that comes back while it is waited for is left alone`() {
        var recovery = lost()
        recovery.handle(.timePassed, at: .zero + .milliseconds(2999))
        recovery.handle(.connectionStateChanged(.connected), at: .zero + .milliseconds(2999))
        #expect(outputs(of: &recovery).map(\.1) == [.stateChanged(.waiting), .stateChanged(.steady)])
    }

    @Test(arguments: [true, false])
    func `a restart that the other side has begun is waited for before one of ours`(isNoticed: Bool) {
        var recovery = ConnectionRecovery()
        recovery.handle(.connectionStateChanged(.connected), at: .zero)
        if isNoticed { recovery.handle(.connectionStateChanged(.disconnected), at: .zero) }
        recovery.handle(.connectionStateChanged(.connecting), at: .zero + .seconds(2))
        #expect(recovery.state == .restarting)
        #expect(recovery.lostAt == (isNoticed ? .zero : .zero + .seconds(2)))
        recovery.handle(.timePassed, at: .zero + .seconds(5))
        while let output = recovery.nextOutput() { #expect(output != .restartIce) }
        recovery.handle(.connectionStateChanged(.connected), at: .zero + .seconds(6))
        #expect(recovery.state == .steady)
        #expect(recovery.deadline == nil)
    }

    // W3C §5.6.4: what is silent while ICE restarts is `checking`, and so never `disconnected`
    @Test func `one that is lost while a restart is under way is given as long as a restart, and then more`() {
        var recovery = ConnectionRecovery()
        recovery.handle(.connectionStateChanged(.connecting), at: .zero)
        recovery.handle(.connectionStateChanged(.connected), at: .zero)
        recovery.handle(.connectionStateChanged(.connecting), at: .zero)
        let steps = outputs(of: &recovery)
        let actions = steps.filter { if case .stateChanged = $0.1 { false } else { true } }
        #expect(steps.first?.1 == .stateChanged(.restarting))
        #expect(actions.map(\.1) == [.reconnect, .reconnect, .reconnect, .reconnect, .abandon])
        #expect(actions.first?.0 == 12.5 && actions.last?.0 == 60)
    }

    @Test
    func `silence leads to a restart, the restart to fresh connections with a growing delay, and those to the end`() {
        var recovery = lost()
        let steps = outputs(of: &recovery)
        let actions = steps.filter { if case .stateChanged = $0.1 { false } else { true } }
        #expect(actions.map(\.1) == [.restartIce, .reconnect, .reconnect, .reconnect, .reconnect, .abandon])
        // the restart after 3 s, given up at 15 s; then 0.5, 1, 2, 4 s of delay and 10 s for each attempt
        #expect(actions.map(\.0) == [3, 15.5, 26.5, 38.5, 52.5, 60])
        #expect(recovery.state == .abandoned)
    }

    @Test func `a side that cannot connect afresh gives up after the restart`() {
        var recovery = lost { $0.canReconnect = false }
        let steps = outputs(of: &recovery)
        #expect(steps.map(\.1).suffix(2) == [.stateChanged(.abandoned), .abandon])
        #expect(steps.last?.0 == 15)
    }

    @Test func `failed is not waited out but restarted at once, and a restart that fails ends there`() {
        var recovery = ConnectionRecovery()
        recovery.handle(.connectionStateChanged(.connected), at: .zero)
        recovery.handle(.connectionStateChanged(.failed), at: .zero)
        #expect(recovery.state == .restarting)
        recovery.handle(.connectionStateChanged(.connecting), at: .zero + .seconds(1))
        #expect(recovery.state == .restarting)
        recovery.handle(.connectionStateChanged(.failed), at: .zero + .seconds(2))
        #expect(recovery.state == .delaying(attempt: 1))
        #expect(recovery.deadline == .zero + .milliseconds(2500))
    }

    @Test func `a restart or a fresh connection that comes up ends the recovery`() {
        for connectsAt in [3.0, 15.5, 26.5] {
            var recovery = lost()
            let steps = outputs(of: &recovery) { recovery, output, now in
                guard (now - .zero).inSeconds == connectsAt, output == .restartIce || output == .reconnect else {
                    return
                }
                recovery.handle(.connectionStateChanged(.connected), at: now)
            }
            #expect(steps.last?.1 == .stateChanged(.steady))
            #expect(steps.last?.0 == connectsAt)
            #expect(recovery.lostAt == nil)
        }
    }

    @Test func `an attempt that fails early is followed early, and the limit holds however they fail`() {
        var recovery = lost()
        let steps = outputs(of: &recovery) { recovery, output, now in
            if output == .reconnect { recovery.handle(.connectionEnded, at: now) }
        }
        let attempts = steps.filter { $0.1 == .reconnect }.map(\.0)
        #expect(attempts == [15.5, 16.5, 18.5, 22.5, 30.5, 38.5, 46.5, 54.5])
        #expect(steps.last?.0 == 60)
        #expect(steps.last?.1 == .abandon)
    }

    @Test func `a connection that the other side ended is made afresh without a restart`() {
        var recovery = ConnectionRecovery()
        recovery.handle(.connectionStateChanged(.connected), at: .zero)
        recovery.handle(.connectionEnded, at: .zero)
        #expect(recovery.state == .delaying(attempt: 1))
        #expect(recovery.lostAt == .zero)
    }

    @Test func `what waits for its turn has it as soon as the other side can be asked`() {
        var recovery = lost()
        recovery.handle(.otherSideReachable, at: .zero)
        #expect(recovery.state == .waiting)
        recovery.handle(.connectionEnded, at: .zero)
        recovery.handle(.otherSideReachable, at: .zero + .milliseconds(1))
        #expect(recovery.state == .reconnecting(attempt: 1))
        #expect(recovery.deadline == .zero + .milliseconds(10_001))
    }

    @Test func `what is given up stays so`() {
        var recovery = lost()
        _ = outputs(of: &recovery)
        recovery.handle(.connectionStateChanged(.connected), at: .zero + .seconds(61))
        #expect(recovery.state == .abandoned)
        #expect(recovery.nextOutput() == nil)
        #expect(recovery.deadline == nil)
    }

    @Test func `a second loss has its whole time again`() {
        var recovery = lost()
        recovery.handle(.connectionStateChanged(.connected), at: .zero + .seconds(2))
        recovery.handle(.connectionStateChanged(.disconnected), at: .zero + .seconds(50))
        #expect(recovery.state == .waiting)
        #expect(recovery.deadline == .zero + .seconds(53))
        #expect(recovery.lostAt == .zero + .seconds(50))
    }
}
