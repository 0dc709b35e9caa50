import Glibc
import Media
import NativePeer
import Synchronization
import Wire

/// What viewers got from a peer, and what it cost.
struct Sending {
    /// CPU milliseconds a second of all.
    let cpu: Double
    /// Pictures a second and viewer.
    let pictures: Double
    /// Packets of sound a second and viewer.
    let sound: Double

    /// What is wrong with what they got; nil where every viewer got what he should.
    func shortage(frameRate: Double) -> String? {
        guard pictures <= frameRate * 0.95 || sound <= 50 * 0.95 else { return nil }
        return "its viewers got only \(text(pictures)) pictures and \(text(sound)) packets of sound a second"
    }
}

/// Viewers of a peer, each in a thread of its own, as each would sit at a machine of its own. They answer as a browser
/// does: reports, feedback on every packet, requests for what is lost.
final class Viewers {
    /// What they have seen, and whether they shall go on.
    private final class Account: Sendable {
        let waiting: Atomic<Int>
        let pictures = Atomic(0)
        let soundPackets = Atomic(0)
        let isOver = Atomic(false)
        let failure = Mutex<String?>(nil)
        /// Milliseconds from when a picture was taken until its last packet was here.
        let delays = Mutex<[Double]>([])

        init(viewers: Int) {
            waiting = Atomic(viewers)
        }
    }

    private let account: Account
    private var threads: [pthread_t] = []
    private let count: Int

    /// Lets `count` viewers call `peer`, waits until each sees a picture, and lets `body` have them.
    static func watch(_ peer: RunningPeer, count: Int, _ body: (Viewers) throws -> Void) throws {
        let viewers = try Viewers(count, of: peer)
        defer { viewers.join() }
        try body(viewers)
        viewers.join()
        try viewers.check()
    }

    private init(_ count: Int, of peer: RunningPeer) throws {
        self.count = count
        account = Account(viewers: count)
        // its certificate is made once, and not by many threads at a time
        try NativePeer.prepare()
        for _ in 0..<count { watch(peer.address) }
        let limit = MonotonicClock.now + .seconds(20)
        while account.waiting.load(ordering: .acquiring) > 0 {
            guard MonotonicClock.now < limit, account.failure.withLock(\.self) == nil else {
                join()
                try check()
                throw PeerFailure("not every viewer sees something")
            }
            peer.drainLog()
            usleep(1000)
        }
    }

    private func watch(_ address: SocketAddress) {
        let account = account
        let body: @Sendable () -> Void = {
            do {
                let peer = try NativePeer(calling: address, from: address.ip)
                let isReady = peer.run(for: .seconds(20)) { peer in
                    peer.keyFrames > 0 && peer.soundPackets > 0 || account.isOver.load(ordering: .acquiring)
                }
                guard isReady else {
                    return account.failure.withLock { $0 = "a viewer sees or hears nothing" }
                }
                account.waiting.subtract(1, ordering: .releasing)
                peer.onPicture = { delay in
                    if let delay { account.delays.withLock { $0.append(delay.milliseconds) } }
                }
                var (pictures, sound) = (peer.pictures, peer.soundPackets)
                peer.run(for: .seconds(600)) { peer in
                    if peer.pictures > pictures { account.pictures.add(peer.pictures - pictures, ordering: .relaxed) }
                    if peer.soundPackets > sound {
                        account.soundPackets.add(peer.soundPackets - sound, ordering: .relaxed)
                    }
                    (pictures, sound) = (peer.pictures, peer.soundPackets)
                    return account.isOver.load(ordering: .acquiring)
                }
                try peer.hangUp()
            } catch {
                account.failure.withLock { $0 = "\(error)" }
            }
        }
        threads.append(start(body))
    }

    /// What they get, and what that costs `peer`, during `seconds`.
    func measure(_ peer: RunningPeer, during seconds: Int) throws(PeerFailure) -> Sending {
        account.pictures.store(0, ordering: .relaxed)
        account.soundPackets.store(0, ordering: .relaxed)
        let (begun, before) = (MonotonicClock.now, try peer.processes.cpu())
        sleep(UInt32(seconds))
        let spent = try peer.processes.cpu() - before
        let elapsed = (MonotonicClock.now - begun).inSeconds
        peer.drainLog()
        return Sending(
            cpu: spent / elapsed,
            pictures: Double(account.pictures.load(ordering: .relaxed)) / elapsed / Double(count),
            sound: Double(account.soundPackets.load(ordering: .relaxed)) / elapsed / Double(count))
    }

    /// Milliseconds from when each picture was taken until its last packet was here, by the clock that both sides share.
    var delays: [Double] { account.delays.withLock(\.self) }

    private func check() throws(PeerFailure) {
        if let failure = account.failure.withLock(\.self) { throw PeerFailure(failure) }
    }

    /// They hang up.
    private func join() {
        account.isOver.store(true, ordering: .releasing)
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }
}

/// Runs `body` on a thread.
func start(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let result = pthread_create(
        &thread, nil,
        { context in
            Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
            return nil
        }, Unmanaged.passRetained(Box(body)).toOpaque())
    guard result == 0 else { fail("no thread can be made") }
    return thread
}
