/// Candidates on their way to a peer that has the session description already: the body of
/// `application/trickle-ice-sdpfrag` (RFC 8840 §9), as WHEP's PATCH carries it.
public struct TrickleFragment: Hashable, Sendable {
    /// The candidates of one media section.
    public struct Section: Hashable, Sendable {
        /// The section's name.
        public var mid: String?
        /// `candidate:…`, one after the other.
        public var candidates: [String]
        /// Whether there will be no more.
        public var hasEndOfCandidates: Bool

        /// The candidates of `mid`.
        public init(mid: String?, candidates: [String] = [], hasEndOfCandidates: Bool = false) {
            self.mid = mid
            self.candidates = candidates
            self.hasEndOfCandidates = hasEndOfCandidates
        }
    }

    /// To which ICE generation the candidates belong.
    public var iceUfrag: String?
    /// The password of that generation.
    public var icePwd: String?
    /// The sections with candidates; one without a `mid` holds what stood before the first `m=` line.
    public var sections: [Section]

    /// A fragment with the given parts.
    public init(iceUfrag: String?, icePwd: String?, sections: [Section]) {
        self.iceUfrag = iceUfrag
        self.icePwd = icePwd
        self.sections = sections
    }
}
