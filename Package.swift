// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: Swift 6 language mode is the tools version's default; `existential any` keeps protocols visible.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Where tests are built for the release (`board/test` does), what they test is optimised. To do that to what checks it,
/// too, would be most of the compiler's work, and pays only for tests that compute much themselves.
let testSettings: [SwiftSetting] = swiftSettings + [.unsafeFlags(["-Onone"], .when(configuration: .release))]

/// A module of a C library that the system provides.
func system(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
    .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// A room of the house (see README.md, "How the source is laid out").
func room(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], linked: [LinkerSetting] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(name)", exclude: exclude,
        swiftSettings: swiftSettings, linkerSettings: linked)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = [], computeMuch: Bool = false) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, path: "Tests/\(name)Tests",
        swiftSettings: computeMuch ? swiftSettings : testSettings)
}

let package = Package(
    name: "doorward",
    products: [
        .executable(name: "doorward", targets: ["doorward"]),
        // WebRTC for any Swift program: Sources/PeerConnection/PeerConnection.docc tells how.
        .library(name: "PeerConnection", targets: ["PeerConnection"]),
    ],
    targets: [
        // C libraries, one module each, and our own epoll and socket shims.
        system("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
        system("CX264", apt: "libx264-dev"),  // its pkg-config file has a flag that SwiftPM warns of
        system("COpus", pkgConfig: "opus", apt: "libopus-dev"),
        system("CTurboJPEG", pkgConfig: "libturbojpeg", apt: "libturbojpeg0-dev"),
        system("CALSA", pkgConfig: "alsa", apt: "libasound2-dev"),
        system("CV4L2", apt: "linux-libc-dev"),
        system("CGPIOD", pkgConfig: "libgpiod", apt: "libgpiod-dev"),
        system("CWebSockets", pkgConfig: "libwebsockets", apt: "libwebsockets-dev"),
        system("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        system("CQREncode", pkgConfig: "libqrencode", apt: "libqrencode-dev"),
        system("CMosquitto", pkgConfig: "libmosquitto", apt: "libmosquitto-dev"),
        .target(name: "CLinux", path: "Sources/C/CLinux"),
        // The page's files, which are below Web.
        .target(name: "CPage", path: "Sources/C/CPage"),

        // Cores: no I/O, no clock, no randomness of their own.
        room("Wire", []),
        room("ICE", ["Wire"]),
        room("RTP", ["Wire"]),
        // rounding is a function of the C library's where a processor has no instruction for it
        room("Congestion", ["Wire"], linked: [.linkedLibrary("m")]),
        room("SDP", ["Wire"]),
        room("DTLS", ["Wire", "COpenSSL"]),
        room("SRTP", ["Wire", "COpenSSL"]),
        room("Certificates", ["Wire", "COpenSSL"]),
        room("SCTP", ["Wire"]),
        room("PeerConnection", ["Wire", "ICE", "RTP", "Congestion", "SDP", "DTLS", "SRTP", "SCTP"]),
        room("Calls", ["Wire", "PeerConnection"], exclude: ["PROTOCOL.md"]),
        room("Identity", ["Wire"]),
        room("Meeting", ["Wire", "COpenSSL"], exclude: ["PROTOCOL.md"]),

        // The media path and the board's hardware.
        room("Media", ["Wire"]),
        room("Camera", ["Wire", "Media", "CV4L2", "CTurboJPEG"]),
        room("Codecs", ["Wire", "Media", "CX264", "COpus"]),
        room("Sound", ["Wire", "Media", "CALSA"]),
        room("Board", ["Wire", "Media", "CGPIOD"]),

        // The shell.
        room("Web", ["CWebSockets", "CPage"], exclude: ["Page"]),
        room("MQTT", ["CMosquitto"]),
        room(
            "Gateway",
            [
                "Wire", "ICE", "RTP", "SDP", "DTLS", "SRTP", "PeerConnection", "Calls", "Identity", "Media", "Camera",
                "Codecs", "Sound", "Board", "Certificates", "Web", "Meeting", "MQTT", "CLinux", "CYAML", "COpenSSL",
                "CQREncode",
            ]),
        .executableTarget(
            name: "doorward", dependencies: ["Gateway"], path: "Sources/doorward", swiftSettings: swiftSettings),

        // Two peers under a virtual network and clock.
        .target(
            name: "SimulatedPeers",
            dependencies: [
                "Wire", "ICE", "RTP", "SDP", "SRTP", "SCTP", "DTLS", "PeerConnection", "CVirtualClock",
                "CSeededRandom",
            ],
            path: "Tests/SimulatedPeers", swiftSettings: swiftSettings),
        // Thousands of simulated calls: swift run -c release simulate-calls
        .executableTarget(
            name: "simulate-calls",
            dependencies: ["SimulatedPeers", "CAllocations", "Congestion", "PeerConnection", "RTP", "Wire"],
            path: "Tests/SimulateCalls",
            swiftSettings: swiftSettings),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "SimulatedPeers", "CAllocations", "Wire", "ICE", "RTP", "SDP", "PeerConnection", "Calls",
            ],
            path: "Tests/SimulationTests", swiftSettings: testSettings),
        // A program that uses the library; in its folder it is a package of its own, too.
        .executableTarget(
            name: "two-peers", dependencies: ["PeerConnection"], path: "Tests/Examples/TwoPeers/Sources/two-peers",
            swiftSettings: swiftSettings),
        // What browsers offer.
        .target(name: "RecordedOffers", path: "Tests/RecordedOffers", swiftSettings: swiftSettings),
        // Inputs from strangers. What searches for new ones needs libFuzzer, and is added below.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Wire", "ICE", "RTP", "SDP", "SCTP", "PeerConnection", "Calls", "Media", "SimulatedPeers",
                "RecordedOffers", "Meeting",
            ],
            path: "Tests/Fuzz/Targets", swiftSettings: swiftSettings),
        .testTarget(
            name: "FuzzTests", dependencies: ["FuzzTargets"], path: "Tests/FuzzTests", swiftSettings: testSettings),
        // What the rooms may import and use.
        .testTarget(name: "HouseRulesTests", path: "Tests/HouseRulesTests", swiftSettings: swiftSettings),

        // A viewer without a browser, and what is measured with it.
        .target(
            name: "NativePeer",
            dependencies: ["Wire", "RTP", "DTLS", "PeerConnection", "Gateway"],
            path: "Tests/NativePeer", swiftSettings: swiftSettings),
        .executableTarget(
            name: "native-calls", dependencies: ["NativePeer", "PeerConnection", "Wire"], path: "Tests/Interop/Calls",
            swiftSettings: swiftSettings),
        // A peer that another stack's test tells what to do (Tests/Stacks).
        .executableTarget(
            name: "interop-peer",
            dependencies: ["PeerConnection", "DTLS", "Media", "Camera", "Codecs", "Sound", "Gateway", "Wire"],
            path: "Tests/Interop/Peer", swiftSettings: swiftSettings),
        .executableTarget(
            name: "benchmark-daemon",
            dependencies: ["NativePeer", "Wire", "RTP", "Media", "Camera", "Codecs", "Gateway", "CLinux", "BareLoop"],
            path: "Tests/Benchmarks/Daemon", swiftSettings: swiftSettings),
        // The least that sending to viewers can cost.
        .target(name: "BareLoop", dependencies: ["COpenSSL"], path: "Tests/Benchmarks/BareLoop"),

        // Calls between two peers of ours, to be measured.
        .target(
            name: "PeerCalls", dependencies: ["Wire", "RTP", "DTLS", "PeerConnection", "Media", "Gateway"],
            path: "Tests/PeerCalls", swiftSettings: swiftSettings),
        .executableTarget(
            name: "benchmark-peer", dependencies: ["PeerCalls", "Wire", "Media", "CLinux", "CAllocations"],
            path: "Tests/Benchmarks/Peer", swiftSettings: swiftSettings),

        // The wall clock that OpenSSL sees, for tests that let virtual time pass.
        .target(name: "CVirtualClock", path: "Tests/CVirtualClock"),
        // How much memory is in use.
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        // The random numbers that OpenSSL draws, for tests that are to be the same every time.
        .target(name: "CSeededRandom", dependencies: ["COpenSSL"], path: "Tests/CSeededRandom"),
        // What the media path costs: swift run -c release benchmark-…
        .executableTarget(
            name: "benchmark-conversion", dependencies: ["Camera", "Media", "CTurboJPEG"],
            path: "Tests/Benchmarks/Conversion", swiftSettings: swiftSettings),

        tests(of: "Wire"),
        tests(of: "ICE", ["Wire"]),
        .testTarget(
            name: "TURNTests", dependencies: ["ICE", "Wire", "RTP", "PeerConnection", "SimulatedPeers"],
            path: "Tests/TURNTests", swiftSettings: testSettings),
        tests(of: "RTP", ["Wire"]),
        tests(of: "Congestion", ["Wire"], computeMuch: true),
        tests(of: "SDP", ["Wire", "RecordedOffers"]),
        tests(of: "DTLS", ["Wire", "SRTP", "CVirtualClock", "COpenSSL"]),
        tests(of: "SRTP", ["Wire"]),
        tests(of: "Certificates", ["Wire", "COpenSSL"]),
        tests(of: "SCTP", ["Wire"], computeMuch: true),
        tests(
            of: "PeerConnection",
            ["Wire", "ICE", "RTP", "Congestion", "SDP", "DTLS", "SRTP", "SCTP", "SimulatedPeers", "RecordedOffers"]),
        tests(of: "Calls", ["Wire", "PeerConnection"], computeMuch: true),
        tests(of: "Identity", ["Wire"]),
        tests(of: "Meeting", ["Wire"]),
        tests(of: "Media", ["Wire", "Codecs"]),
        tests(of: "Camera", ["Wire", "Media", "Codecs", "CTurboJPEG"], computeMuch: true),
        tests(of: "Codecs", ["Wire", "Media", "COpus"], computeMuch: true),
        tests(of: "Sound", ["Wire", "Media"]),
        tests(of: "Board", ["Wire", "Media"]),
        tests(of: "Web", ["Certificates"], computeMuch: true),
        tests(
            of: "Gateway",
            [
                "Wire", "ICE", "RTP", "SDP", "DTLS", "PeerConnection", "Media", "Calls", "Identity", "Web",
                "Camera", "Codecs", "Sound", "Board", "Certificates", "CLinux", "Meeting",
            ], computeMuch: true),
    ]
)

// board/fuzz: the driver is in the sanitiser's runtime, which no other build links.
if Context.environment["DOORWARD_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Runner", swiftSettings: swiftSettings))
}
