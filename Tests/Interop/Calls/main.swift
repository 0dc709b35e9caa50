// native-calls ADDRESS:PORT [COUNT] [SECONDS] [vanish] [tcp]: calls the door COUNT times (1) by WHEP, waits each time for the
// first key frame and some sound, watches for SECONDS (0) more, and hangs up, or with "vanish" just falls silent. With "tcp"
// media goes over TCP alone.
// Prints where the time went; exits with 1 where a call did not come about.
import Glibc
import NativePeer
import PeerConnection
import Wire

func fail(_ message: String) -> Never {
    let bytes = Array("native-calls: \(message)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
    exit(1)
}

let arguments = CommandLine.arguments.dropFirst()
guard let target = arguments.first, let colon = target.lastIndex(of: ":"), let ip = IPAddress(target[..<colon]),
    let port = UInt16(target[target.index(after: colon)...])
else { fail("usage: native-calls ADDRESS:PORT [COUNT] [SECONDS] [vanish] [tcp]") }
let count = arguments.dropFirst().first.flatMap { Int($0) } ?? 1
let seconds = arguments.dropFirst(2).first.flatMap { Int($0) } ?? 0
let vanishes = arguments.contains("vanish")

func milliseconds(_ duration: Duration?) -> String {
    duration.map { "\(Int($0.milliseconds.rounded())) ms" } ?? "never"
}

for number in 1...count {
    do {
        let peer = try NativePeer(
            calling: SocketAddress(ip, port: port), from: ip.isLoopback ? ip : .v4(0),
            usesUDP: !arguments.contains("tcp"))
        let succeeded = peer.run(for: .seconds(60)) {
            $0.keyFrames > 0 && $0.pictures >= 5 && $0.soundPackets >= 10
        }
        print(
            "call \(number): answered after \(milliseconds(peer.answered)), connected \(milliseconds(peer.connected)), first key frame \(milliseconds(peer.firstKeyFrame)), \(peer.pictures) pictures, \(peer.soundPackets) packets of sound"
        )
        guard succeeded else {
            fail("call \(number) brought no picture or no sound (\(peer.connectionState.rawValue))")
        }
        peer.run(for: .seconds(seconds))
        if !vanishes { try peer.hangUp() }
    } catch {
        fail("call \(number): \(error)")
    }
}
