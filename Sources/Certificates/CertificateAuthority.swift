import COpenSSL

/// A certificate authority of one device: its key signs the certificates that the device's own server shows, and nothing
/// else. Whoever installs its certificate trusts the device in the house, and, by its name constraints, no other site.
///
/// What it may sign for (RFC 5280 §4.2.1.10) is settled when it is made, for browsers keep the certificate that was
/// installed: names under `local`, `localhost`, `home.arpa`, `internal` and `lan`, private and link-local addresses, and
/// the names that the device has by then. So even who steals the key cannot pose as a bank's site.
public final class CertificateAuthority: Sendable {
    /// The SHA-256 hash of the certificate, as bytes in capitals with colons between them, for people to compare.
    public var fingerprint: String { certificate.fingerprint }
    /// The certificate's DER encoding: what is installed.
    public var der: [UInt8] { certificate.der }
    /// The certificate in PEM.
    public var certificatePEM: String { certificate.pem }
    /// What the systems that it is installed on call it.
    public var name: String { certificate.commonName }
    /// The certificate and its private key (PKCS #8) in PEM: a secret.
    public var pem: String { certificate.pem + key.pem }

    let certificate: X509Certificate
    private let key: PrivateKey

    /// 2020-01-01T00:00:00Z to 2049-12-31T23:59:59Z, the last time that X.509 writes with a short year. It does not depend
    /// on the clock, which on a board without a battery may be years behind when it first starts.
    static let validity: ClosedRange<Int64> = 1_577_836_800...2_524_607_999

    /// How long a server's certificate is valid, less than the 398 days that some browsers allow: a month before its
    /// making, in case the browser's clock is behind ours, and the year after it.
    static let before: Int64 = 30 * 86400
    static let after: Int64 = 366 * 86400

    /// Zones that nobody can register in the public DNS (RFC 6762, 6761, 8375; `internal` is reserved by ICANN, `lan` is
    /// what many routers use).
    static let localZones: Set<String> = ["local", "localhost", "home.arpa", "internal", "lan"]
    /// RFC 1918, RFC 6598 (which private networks across the Internet use), RFC 3927, loopback; RFC 4193, link-local,
    /// loopback.
    private static let localNetworks = [
        "10.0.0.0/255.0.0.0", "172.16.0.0/255.240.0.0", "192.168.0.0/255.255.0.0", "100.64.0.0/255.192.0.0",
        "169.254.0.0/255.255.0.0", "127.0.0.0/255.0.0.0", "fc00::/fe00::", "fe80::/ffc0::",
        "::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ]

    /// Makes a new key (ECDSA, P-256) and a certificate that calls itself `name`, at most 64 characters, and may sign for
    /// `names`, too.
    public init(name: String, names: Set<String>) throws(CertificateError) {
        defer { ERR_clear_error() }
        key = try PrivateKey()
        let permitted =
            Self.localZones.union(names.filter(CertificateSubjects.isName)).sorted().map { "permitted;DNS:\($0)" }
            + Self.localNetworks.map { "permitted;IP:\($0)" }
        certificate = try X509Draft(
            commonName: name, key: key, validity: Self.validity,
            extensions: [
                // it signs servers' certificates and no further authority's
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
                (NID_name_constraints, "critical," + permitted.joined(separator: ",")),
            ]
        ).signed(by: key, of: nil)
    }

    /// Reads what `pem` wrote.
    public init(pem: String) throws(CertificateError) {
        defer { ERR_clear_error() }
        guard let certificate = PEM.certificates(in: pem).first else { throw .noCertificate }
        guard let key = PEM.key(in: pem) else { throw .noKey }
        guard X509_check_private_key(certificate.pointer, key.pointer) == 1 else { throw .keyOfAnother }
        guard X509_check_ca(certificate.pointer) == 1 else { throw .noAuthority }
        self.certificate = certificate
        self.key = key
    }

    /// Those of `subjects` that this authority may sign for.
    public func permitted(of subjects: CertificateSubjects) -> CertificateSubjects {
        defer { ERR_clear_error() }
        guard let read = X509_get_ext_d2i(certificate.pointer, NID_name_constraints, nil, nil) else { return subjects }
        let constraints = read.assumingMemoryBound(to: NAME_CONSTRAINTS.self)
        defer { NAME_CONSTRAINTS_free(constraints) }
        let isPermitted = { (one: CertificateSubjects) -> Bool in
            guard let probe = X509_new() else { return false }
            defer { X509_free(probe) }
            guard X509Draft.add((NID_subject_alt_name, one.openSSLText), to: probe, issuer: probe) else { return false }
            // has OpenSSL read the extension that was just written
            X509_check_purpose(probe, -1, 0)
            return NAME_CONSTRAINTS_check(probe, constraints) == X509_V_OK
        }
        return CertificateSubjects(
            names: subjects.names.filter { CertificateSubjects.isName($0) && isPermitted(.init(names: [$0])) },
            addresses: subjects.addresses.filter { isPermitted(.init(addresses: [$0])) })
    }

    /// Makes a new key and signs a certificate for those of `subjects` that it may sign for, as of `unixTime`, in seconds
    /// since 1970.
    public func issue(for subjects: CertificateSubjects, at unixTime: Int64) throws(CertificateError)
        -> ServerCertificate
    {
        defer { ERR_clear_error() }
        let key = try PrivateKey()
        let permitted = permitted(of: subjects)
        let leaf = try X509Draft(
            // for people to tell certificates apart; browsers look at the alternative names alone
            commonName: permitted.names.subtracting(["localhost"]).max { $0.utf8.count < $1.utf8.count }?
                .prefix(64).description ?? "localhost",
            key: key, validity: (unixTime - Self.before)...(unixTime + Self.after),
            extensions: [
                (NID_basic_constraints, "critical,CA:FALSE"),
                (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, "serverAuth"),
                (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid:always"),
                (NID_subject_alt_name, permitted.openSSLText),
            ]
        ).signed(by: self.key, of: certificate)
        return try ServerCertificate(chain: [leaf, certificate], key: key)
    }

    /// Whether it signed `server`'s certificate.
    public func hasIssued(_ server: ServerCertificate) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_issued(certificate.pointer, server.leaf.pointer) == X509_V_OK
            && X509_verify(server.leaf.pointer, key.pointer) == 1
    }
}

extension ServerCertificate {
    /// When the authority made it, in seconds since 1970.
    public var issuedAt: Int64 { notBefore + CertificateAuthority.before }

    /// Whether it is to be replaced at `unixTime`, in seconds since 1970: half of its time is over, or the clock was so far
    /// ahead when it was made that browsers would not take it yet.
    public func isDue(at unixTime: Int64) -> Bool {
        unixTime > issuedAt + CertificateAuthority.after / 2 || unixTime < notBefore + CertificateAuthority.before / 2
    }
}

extension CertificateSubjects {
    /// Whether `name` is a host's (RFC 1123 §2.1), and so stands for itself in OpenSSL's notation.
    public static func isName(_ name: String) -> Bool {
        (1...253).contains(name.utf8.count)
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                            UInt8(ascii: "-"):
                            true
                        default: false
                        }
                    }
            }
    }

    /// As OpenSSL's configuration files have it (x509v3_config(5)).
    var openSSLText: String {
        (names.sorted().map { "DNS:\($0)" } + addresses.map { "IP:\($0)" }.sorted()).joined(separator: ",")
    }
}
