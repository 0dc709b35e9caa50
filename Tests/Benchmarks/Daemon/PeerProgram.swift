import Glibc

/// What a peer is to send: as settings of the daemon, and as arguments of the others' servers, which all have the same.
struct Work {
    let settings: [String]
    let arguments: [String]
}

/// The peers that are compared: each is a program that viewers call by WHEP.
enum PeerKind: CaseIterable {
    case doorward
    case gstreamer
    case pion

    /// The head of its column.
    var name: String {
        switch self {
        case .doorward: "ours"
        case .gstreamer: "GStreamer"
        case .pion: "pion"
        }
    }

    /// Whether its reports tell when a picture was taken, by the monotonic clock. Those of pion tell when it was sent.
    var tellsCaptureTime: Bool { self != .pion }

    /// The program that does `work`; `board/benchmark` names the others' by the environment.
    func program(doing work: Work) throws(PeerFailure) -> PeerProgram {
        switch self {
        case .doorward: .daemon(settings: work.settings)
        case .gstreamer: .other(["/usr/bin/python3", try Self.path(in: "GSTREAMER_SERVER")] + work.arguments)
        case .pion: .other([try Self.path(in: "PION_SERVER")] + work.arguments)
        }
    }

    private static func path(in variable: String) throws(PeerFailure) -> String {
        guard let path = getenv(variable).map({ String(cString: $0) }), !path.isEmpty else {
            throw PeerFailure("\(variable) does not name its program, which board/benchmark makes where it can")
        }
        return path
    }
}

/// Why something could not be measured of a peer.
struct PeerFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// How a peer is started, and how it says where it serves.
struct PeerProgram {
    /// The command, given a folder of its own.
    let words: (_ folder: String) -> [String]
    /// The descriptor that it tells the port on.
    let output: Int32
    /// What comes before the port in a line of that.
    let portMark: String
    /// Whether a signal ends it; else the end of its input does.
    let endsBySignal: Bool

    /// The daemon with these settings besides those that every benchmark has.
    static func daemon(settings: [String]) -> PeerProgram {
        let here = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let binary = (here + ["doorward"]).joined(separator: "/")
        return PeerProgram(
            words: { folder in
                let common = [
                    "web.port=0", "web.https=false", "web.authentication=none", "network.stun_fallback=",
                    "web.address=127.0.0.1", "state.folder=\(folder)", "audio.playback=none", "button.enabled=false",
                ]
                return [binary, "run"] + (common + settings).flatMap { ["--set", $0] }
            }, output: STDERR_FILENO, portMark: "page: http://localhost:", endsBySignal: true)
    }

    /// Another peer's server.
    static func other(_ words: [String]) -> PeerProgram {
        PeerProgram(words: { _ in words }, output: STDOUT_FILENO, portMark: "port ", endsBySignal: false)
    }
}
