// interop-peer ADDRESS : one RTCPeerConnection on a UDP socket of ADDRESS that does what it is told by lines of JSON on its
// input (Command.swift) and tells by lines of JSON on its output what came of it (Report.swift). It ends with its input.
import Glibc
import Wire

guard let address = CommandLine.arguments.dropFirst().first.flatMap({ IPAddress($0) }) else {
    let usage = Array("usage: interop-peer ADDRESS\n".utf8)
    _ = write(STDERR_FILENO, usage, usage.count)
    exit(2)
}
do {
    try InteropPeer(on: address).run()
} catch {
    let message = Array("interop-peer: \(error)\n".utf8)
    _ = write(STDERR_FILENO, message, message.count)
    exit(1)
}
