import Certificates
import Wire

/// The certificate that HTTPS shows: the owner's own where the configuration names one that can be used, else one by the
/// authority of this device.
///
/// What was made is kept in the state folder, so that what people installed, or clicked away a warning for, outlives a
/// restart.
struct ServerCertificates {
    /// The time as far as it can be known.
    struct Time {
        /// Seconds since 1970 by the system's clock.
        var seconds: Int64
        /// Whether the clock is kept right by a time server; a board without a battery starts years behind.
        var isSynchronised: Bool
    }

    /// What HTTPS shows.
    private(set) var current: ServerCertificate?
    /// Whether `current` is the owner's own.
    private(set) var isOwners = false
    /// Who signs what is not the owner's; nil before `start`.
    private(set) var authority: CertificateAuthority?

    private let owner: OwnerCertificate?
    private let folder: StateFolder?
    private let log: Log

    /// No clock is right that shows a time before this was written.
    private static let earliest: Int64 = 1_767_225_600

    init(configuration: Configuration.Web, folder: StateFolder?, log: Log) {
        owner = configuration.certificate.map {
            OwnerCertificate(certificateFile: $0, keyFile: configuration.key ?? $0)
        }
        self.folder = folder
        self.log = log
    }

    /// How often `refresh` wants to be called: the owner's files may change at any time.
    var interval: Duration { owner == nil ? .seconds(60) : .seconds(5) }

    // MARK: The device's own

    /// Reads or makes the authority, which calls itself `name`, and a certificate for `subjects`.
    mutating func start(name: String, for subjects: CertificateSubjects, at time: Time) throws(CertificateError) {
        if let kept = keptAuthority() {
            authority = kept
            current = keptCertificate().flatMap { kept.hasIssued($0) ? $0 : nil }
        } else {
            authority = try madeAuthority(name: name, names: subjects.names)
        }
        _ = try refresh(for: subjects, at: time)
    }

    /// Makes what shows fit `subjects`, `time` and the owner's files; the new certificate where it had to change.
    mutating func refresh(for subjects: CertificateSubjects, at time: Time) throws(CertificateError)
        -> ServerCertificate?
    {
        if let owner, let change = owner.change() {
            switch change {
            case .success(let certificate):
                current = certificate
                isOwners = true
                let days = (certificate.notAfter - time.seconds) / 86400
                let line = "certificate: \(owner.certificateFile) for \(certificate.subjects.inWords)"
                log.info("\(line), good for \(days) days")
                if days < 14 { log.warning("certificate: \(owner.certificateFile) expires in \(days) days") }
                return certificate
            case .failure(let error):
                log.error("certificate: \(error); what was shown before stays in use")
            }
        }
        guard !isOwners, let authority else { return nil }
        let permitted = authority.permitted(of: subjects)
        var now = time.isSynchronised ? time.seconds : max(time.seconds, Self.earliest)
        if let current {
            // It was that time already, and nobody has set the clock since.
            if !time.isSynchronised { now = max(now, current.issuedAt) }
            guard !current.subjects.covers(permitted) || current.isDue(at: now) else { return nil }
        }
        let made = try authority.issue(for: permitted, at: now)
        current = made
        keep(made.pem, in: \.serverCertificateFile)
        log.info("certificate: made for \(made.subjects.inWords)")
        let left = subjects.without(permitted)
        if left != CertificateSubjects() {
            log.info("certificate: the door's authority may not vouch for \(left.inWords)")
        }
        return made
    }

    // MARK: What is kept

    private func keptAuthority() -> CertificateAuthority? {
        kept(in: \.authorityFile) { pem throws(CertificateError) in try CertificateAuthority(pem: pem) }
    }

    private func keptCertificate() -> ServerCertificate? {
        kept(in: \.serverCertificateFile) { pem throws(CertificateError) in try ServerCertificate(pem: pem) }
    }

    private func kept<Value>(
        in file: KeyPath<StateFolder, String>, _ read: (String) throws(CertificateError) -> Value
    ) -> Value? {
        guard let folder else { return nil }
        let path = folder[keyPath: file]
        do throws(StateError) {
            guard let bytes = try folder.read(path, limit: 65_536) else { return nil }
            do throws(CertificateError) {
                return try read(String(decoding: bytes, as: UTF8.self))
            } catch {
                throw StateError(description: "\(path) cannot be used: \(error)")
            }
        } catch {
            log.warning("certificate: \(error); a new one takes its place")
            return nil
        }
    }

    private func madeAuthority(name: String, names: Set<String>) throws(CertificateError) -> CertificateAuthority {
        let made = try CertificateAuthority(name: name, names: names)
        keep(made.pem, in: \.authorityFile)
        log.info("certificate: made an authority of the door's own, “\(made.name)”")
        return made
    }

    private func keep(_ pem: String, in file: KeyPath<StateFolder, String>) {
        guard let folder else { return }
        do throws(StateError) {
            try folder.replace(folder[keyPath: file], with: Array(pem.utf8))
        } catch {
            log.warning("certificate: \(error); it will not outlive this run")
        }
    }
}

extension StateFolder {
    /// The authority that HTTPS's certificates are by, with its key.
    var authorityFile: String { path + "/authority.pem" }
    /// The certificate that HTTPS shows, with its key.
    var serverCertificateFile: String { path + "/https.pem" }
}

extension CertificateSubjects {
    /// For the log.
    var inWords: String { (names.sorted() + addresses.map(\.description).sorted()).joined(separator: ", ") }

    /// These but for `others`.
    func without(_ others: CertificateSubjects) -> CertificateSubjects {
        CertificateSubjects(
            names: names.subtracting(others.names), addresses: addresses.subtracting(others.addresses))
    }
}
