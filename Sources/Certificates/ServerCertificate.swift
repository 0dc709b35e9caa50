import COpenSSL
public import Wire

/// What a certificate is for: the names and addresses that a browser may have opened.
public struct CertificateSubjects: Hashable, Sendable {
    /// Names of hosts, in lower case.
    public var names: Set<String>
    /// Addresses of hosts, without scopes.
    public var addresses: Set<IPAddress>

    /// These names and addresses.
    public init(names: Set<String> = [], addresses: Set<IPAddress> = []) {
        self.names = names
        self.addresses = addresses
    }

    /// Whether all of `others` are among these.
    public func covers(_ others: CertificateSubjects) -> Bool {
        names.isSuperset(of: others.names) && addresses.isSuperset(of: others.addresses)
    }
}

/// A server's private key, its certificate and the certificates of those who vouch for it.
public struct ServerCertificate: Sendable {
    /// The certificates, the server's first, and the private key (PKCS #8) in PEM: a secret.
    public let pem: String
    /// What the certificate is for.
    public let subjects: CertificateSubjects
    /// From when on it is valid, in seconds since 1970.
    public let notBefore: Int64
    /// Until when, in seconds since 1970.
    public let notAfter: Int64
    /// The SHA-256 hash of the server's certificate, as bytes in capitals with colons between them.
    public let fingerprint: String

    let leaf: X509Certificate

    /// Reads what `pem` holds: the certificates, the server's first, and its key, in whatever order the two stand.
    public init(pem: String) throws(CertificateError) {
        let chain = PEM.certificates(in: pem)
        guard !chain.isEmpty else { throw .noCertificate }
        guard let key = PEM.key(in: pem) else { throw .noKey }
        try self.init(chain: chain, key: key)
    }

    init(chain: [X509Certificate], key: PrivateKey) throws(CertificateError) {
        defer { ERR_clear_error() }
        leaf = chain[0]
        guard X509_check_private_key(leaf.pointer, key.pointer) == 1 else { throw .keyOfAnother }
        pem = chain.map(\.pem).joined() + key.pem
        subjects = leaf.subjects
        notBefore = leaf.notBefore
        notAfter = leaf.notAfter
        fingerprint = leaf.fingerprint
    }
}
