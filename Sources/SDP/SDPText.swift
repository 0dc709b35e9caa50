/// The text of a description while it is written.
struct SDPText {
    private(set) var text = ""

    /// Appends the line `type=value`.
    mutating func line(_ type: String, _ value: String) {
        text += "\(type)=\(value)\r\n"
    }

    /// Appends the attribute `name:value`, unless there is no value.
    mutating func attribute(_ name: String, _ value: String?) {
        if let value { line("a", "\(name):\(value)") }
    }

    /// Appends the attribute `name` if `isSet`.
    mutating func flag(_ name: String, _ isSet: Bool) {
        if isSet { line("a", name) }
    }

    /// Appends `attribute`.
    mutating func attribute(_ attribute: SessionDescription.Attribute) {
        line("a", attribute.text)
    }
}

extension SessionDescription.Attribute {
    /// `name:value`, or `name`.
    var text: String { value.map { "\(name):\($0)" } ?? name }
}

extension SessionDescription: CustomStringConvertible {
    /// The text of the description, each line ended with CRLF, in the order of RFC 8866 §5 and RFC 8829 §5.2.1.
    public var description: String {
        var text = SDPText()
        text.line("v", "0")
        text.line("o", "\(origin.username) \(origin.sessionID) \(origin.sessionVersion) \(origin.address)")
        text.line("s", "-")
        text.line("t", "0 0")
        for group in groups {
            text.attribute("group", ([group.semantics] + group.mids).joined(separator: " "))
        }
        text.flag("ice-lite", isICELite)
        for attribute in attributes { text.attribute(attribute) }
        for section in media { section.write(to: &text) }
        return text.text
    }
}

extension MediaDescription {
    fileprivate func write(to text: inout SDPText) {
        // An m= line without a format is none.
        let formats = formats.isEmpty ? "0" : formats.joined(separator: " ")
        text.line("m", "\(kind) \(port) \(transportProtocol) \(formats)")
        text.line("c", connection)
        for bandwidth in bandwidths { text.line("b", "\(bandwidth.type):\(bandwidth.value)") }
        writeTransport(to: &text)
        text.attribute("mid", mid)
        for item in headerExtensions {
            let id = item.direction.map { "\(item.id)/\($0.rawValue)" } ?? String(item.id)
            text.attribute("extmap", ([id, item.uri] + (item.parameters.map { [$0] } ?? [])).joined(separator: " "))
        }
        text.flag("extmap-allow-mixed", allowsMixedHeaderExtensions)
        text.flag(direction.rawValue, true)
        for msid in msids {
            text.attribute("msid", msid.track.map { "\(msid.stream) \($0)" } ?? msid.stream)
        }
        text.flag("bundle-only", isBundleOnly)
        text.flag("rtcp-mux", isRTCPMultiplexed)
        text.flag("rtcp-mux-only", isRTCPMultiplexedOnly)
        text.flag("rtcp-rsize", isRTCPReducedSize)
        for attribute in attributes { text.attribute(attribute) }
        for codec in codecs { codec.write(to: &text) }
        for group in sourceGroups {
            text.attribute("ssrc-group", ([group.semantics] + group.ssrcs.map { String($0) }).joined(separator: " "))
        }
        for source in sources {
            for attribute in source.attributes { text.attribute("ssrc", "\(source.ssrc) \(attribute.text)") }
        }
        text.attribute("sctp-port", sctpPort.map { String($0) })
        text.attribute("max-message-size", maxMessageSize.map { String($0) })
    }

    private func writeTransport(to text: inout SDPText) {
        for candidate in candidates { text.line("a", candidate) }
        text.flag("end-of-candidates", hasEndOfCandidates)
        text.attribute("ice-ufrag", iceUfrag)
        text.attribute("ice-pwd", icePwd)
        text.attribute("ice-options", iceOptions.isEmpty ? nil : iceOptions.joined(separator: " "))
        for fingerprint in fingerprints {
            let pairs = fingerprint.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
            text.attribute("fingerprint", "\(fingerprint.hashFunction) \(pairs.joined(separator: ":"))")
        }
        text.attribute("setup", setup?.rawValue)
    }
}

extension RTPCodec {
    fileprivate func write(to text: inout SDPText) {
        let channels = channels.map { "/\($0)" } ?? ""
        text.attribute("rtpmap", "\(payloadType) \(name)/\(clockRate)\(channels)")
        for feedback in feedback {
            let parameter = feedback.parameter.map { " \($0)" } ?? ""
            text.attribute("rtcp-fb", "\(payloadType) \(feedback.type)\(parameter)")
        }
        guard !parameters.isEmpty else { return }
        let list = parameters.map { parameter in parameter.value.map { "\(parameter.name)=\($0)" } ?? parameter.name }
        text.attribute("fmtp", "\(payloadType) \(list.joined(separator: ";"))")
    }
}
