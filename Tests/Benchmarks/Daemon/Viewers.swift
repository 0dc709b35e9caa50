import Glibc
import Media
import NativePeer
import Synchronization
import Wire

/// Viewers of a daemon, each in a thread of its own, as each would sit at a machine of its own. They answer as a browser
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

    /// Lets `count` viewers call, and waits until each sees a picture.
    init(_ count: Int, of daemon: RunningDaemon) {
        self.count = count
        account = Account(viewers: count)
        // its certificate is made once, and not by many threads at a time
        do { try NativePeer.prepare() } catch { fail("\(error)") }
        for _ in 0..<count { watch(daemon.address) }
        let limit = MonotonicClock.now + .seconds(20)
        while account.waiting.load(ordering: .acquiring) > 0 {
            if let failure = account.failure.withLock(\.self) { fail(failure) }
            guard MonotonicClock.now < limit else { fail("not every viewer sees something") }
            usleep(1000)
        }
    }

    private func watch(_ address: SocketAddress) {
        let account = account
        let body: @Sendable () -> Void = {
            do {
                let peer = try NativePeer(calling: address, from: address.ip)
                guard peer.run(for: .seconds(20), until: { $0.keyFrames > 0 && $0.soundPackets > 0 }) else {
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

    /// CPU milliseconds a second of `daemon` during `seconds`, in which every viewer must have got what he should.
    func cpu(of daemon: RunningDaemon, during seconds: Int, frameRate: Double) -> Double {
        account.pictures.store(0, ordering: .relaxed)
        account.soundPackets.store(0, ordering: .relaxed)
        let (begun, before) = (MonotonicClock.now, daemon.cpu)
        sleep(UInt32(seconds))
        let spent = daemon.cpu - before
        let elapsed = (MonotonicClock.now - begun).inSeconds
        let pictures = Double(account.pictures.load(ordering: .relaxed)) / elapsed / Double(count)
        let sound = Double(account.soundPackets.load(ordering: .relaxed)) / elapsed / Double(count)
        guard pictures > frameRate * 0.95, sound > 50 * 0.95 else {
            fail("the viewers got only \(pictures) pictures and \(sound) packets of sound a second")
        }
        daemon.drainLog()
        return spent / elapsed
    }

    /// Milliseconds from when each picture was taken until its last packet was here, by the clock that both sides share.
    var delays: [Double] { account.delays.withLock(\.self) }

    /// They hang up.
    func hangUp() {
        account.isOver.store(true, ordering: .releasing)
        for thread in threads { pthread_join(thread, nil) }
        threads = []
        if let failure = account.failure.withLock(\.self) { fail(failure) }
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
