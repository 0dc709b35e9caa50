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

extension TrickleFragment: CustomStringConvertible {
    /// Reads a fragment; lines and attributes that it has no place for are passed over.
    public init(parsing text: String) throws(SDPError) {
        self.init(iceUfrag: nil, icePwd: nil, sections: [])
        var current = Section(mid: nil)
        var isInMedia = false
        for line in try SDPLine.lines(of: text) {
            if line.type == UInt8(ascii: "m") {
                if isInMedia || !current.isEmpty { sections.append(current) }
                guard sections.count < MediaDescription.maximumCount else { throw line.error(.tooMany) }
                current = Section(mid: nil)
                isInMedia = true
            }
            guard line.type == UInt8(ascii: "a") else { continue }
            let attribute = line.attribute
            switch attribute.name {
            case "ice-ufrag": iceUfrag = try line.iceUfrag()
            case "ice-pwd": icePwd = try line.icePwd()
            case "mid": current.mid = try line.token()
            case "candidate": current.candidates.append(String(line.value))
            case "end-of-candidates": current.hasEndOfCandidates = true
            default: break
            }
        }
        if isInMedia || !current.isEmpty { sections.append(current) }
    }

    /// The text of the fragment, each line ended with CRLF.
    public var description: String {
        var text = SDPText()
        text.attribute("ice-ufrag", iceUfrag)
        text.attribute("ice-pwd", icePwd)
        for (index, section) in sections.enumerated() {
            // RFC 8840 §9: a pseudo m= line stands for the section; its values mean nothing.
            if index > 0 || section.mid != nil { text.line("m", "audio 9 RTP/AVP 0") }
            text.attribute("mid", section.mid)
            for candidate in section.candidates { text.line("a", candidate) }
            text.flag("end-of-candidates", section.hasEndOfCandidates)
        }
        return text.text
    }
}

extension TrickleFragment.Section {
    fileprivate var isEmpty: Bool { mid == nil && candidates.isEmpty && !hasEndOfCandidates }
}
