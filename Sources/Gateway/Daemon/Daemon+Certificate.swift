import CLinux
import Certificates
import Glibc
import Web
import Wire

/// The certificate that HTTPS shows, and the page that tells how to come to trust it.
extension Daemon {
    /// Reads or makes the certificate; what HTTPS shows at first.
    func prepareHTTPS(at now: Instant) throws(StartError) -> TLSCredentials {
        var certificates = ServerCertificates(configuration: configuration.web, folder: stateFolder, log: log)
        do throws(CertificateError) {
            let host = HostNames.current.first ?? "door"
            try certificates.start(name: "Doorward \(host)".prefix(64).description, for: certificateSubjects, at: .now)
        } catch {
            throw StartError(description: "cannot make a certificate for HTTPS: \(error)")
        }
        self.certificates = certificates
        certificateDueAt = now + certificates.interval
        return TLSCredentials(pem: certificates.current?.pem ?? "")
    }

    /// Replaces the certificate where the machine's names and addresses, the time or the owner's files want another.
    func refreshCertificate(at now: Instant) {
        guard let interval = certificates?.interval else { return }
        certificateDueAt = now + interval
        do throws(CertificateError) {
            guard let changed = try certificates?.refresh(for: certificateSubjects, at: .now) else { return }
            web?.use(TLSCredentials(pem: changed.pem))
        } catch {
            log.error("certificate: cannot make another: \(error)")
        }
    }

    /// What browsers may have opened. Global IPv6 addresses, which change by the day, are none of it.
    private var certificateSubjects: CertificateSubjects {
        let addresses = NetworkInterface.current().map(\.address).filter { !($0.isIPv6 && $0.isLinkLocal) }
            // a machine with hundreds, as one that runs containers, would have a certificate too long for some clients
            .sorted { $0.description < $1.description }.prefix(64)
        return CertificateSubjects(
            names: Set(HostNames.current + ["localhost"] + configuration.web.names),
            addresses: Set(addresses).union([.v4(0x7F00_0001), .v6(high: 0, low: 1)]))
    }

    /// Where a browser on another machine can ask how to come to trust the door; nil where nothing is to be trusted.
    var certificatePage: String? {
        guard let certificates, !certificates.isOwners, let web else { return nil }
        return outwardHosts.first.map { "http://\($0):\(web.port)/certificate" }
    }

    // MARK: Requests

    /// What the page `/certificate` asks. It is answered to everybody, and over plain HTTP, too, for who is to trust the
    /// door must first be told how.
    func certificateResponse(to request: HTTPRequest, part: String) -> HTTPResponse {
        guard let certificates, let web else { return .notFound }
        let authority = certificates.isOwners ? nil : certificates.authority
        switch part {
        case "trusted":
            // What the page at the plain port learns from this is that it arrived.
            return HTTPResponse(status: 204, headers: [.init("Access-Control-Allow-Origin", "*")])
        case "status":
            let status = CertificateStatus(
                door: configuration.door.name, fingerprint: authority?.fingerprint, securePort: web.securePort)
            return .json(200, status)
        case "authority.crt":
            // The type that Safari and Firefox know for an authority to be installed.
            return authority.map { .file($0.der, type: "application/x-x509-ca-cert") } ?? .notFound
        case "authority.pem":
            return authority.map { .file(Array($0.certificatePEM.utf8), type: "application/x-pem-file") } ?? .notFound
        case "qr.svg":
            let host = request.hostName
            let isLocal = host.hasPrefix("127.") || host == "localhost" || host == "[::1]"
            let page = isLocal ? certificatePage : "http://\(host):\(web.port)/certificate"
            guard let code = page.flatMap({ QRCode($0) }) else { return .notFound }
            return .file(Array(code.svg.utf8), type: "image/svg+xml")
        default: return .notFound
        }
    }
}

/// What the page `/certificate` draws.
private struct CertificateStatus: Encodable {
    let door: String
    /// Absent where the certificate is the owner's own.
    let fingerprint: String?
    let securePort: UInt16

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(door, forKey: .door)
        // null rather than nothing
        try container.encode(fingerprint, forKey: .fingerprint)
        try container.encode(securePort, forKey: .securePort)
    }

    private enum CodingKeys: CodingKey {
        case door, fingerprint, securePort
    }
}

extension ServerCertificates.Time {
    /// The time by the system's clock.
    static var now: ServerCertificates.Time {
        .init(seconds: WallClock.now.epochMilliseconds / 1000, isSynchronised: linux_clock_is_synchronised() != 0)
    }
}

/// What this machine is called.
enum HostNames {
    /// The machine's name, as the home network's routers and multicast DNS (RFC 6762) know it; empty where it has none.
    static var current: [String] {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return [] }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return names(ofHost: text)
    }

    /// The names of the machine that calls itself `name`: by multicast DNS first.
    static func names(ofHost name: String) -> [String] {
        let name = name.lowercased()
        guard CertificateSubjects.isName(name), name != "localhost", let label = name.split(separator: ".").first else {
            return []
        }
        return ["\(label).local", String(label)] + (name == label || name == "\(label).local" ? [] : [name])
    }
}
