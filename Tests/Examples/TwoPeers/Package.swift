// swift-tools-version: 6.2
import PackageDescription

// A package from outside, as any program's would be: it names Doorward and takes the one product. From a clone of its own
// `.package(url: …)` takes the path's place.
let package = Package(
    name: "two-peers",
    dependencies: [.package(name: "doorward", path: "../../..")],
    targets: [
        .executableTarget(name: "two-peers", dependencies: [.product(name: "PeerConnection", package: "doorward")])
    ]
)
