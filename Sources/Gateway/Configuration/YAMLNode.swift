import CYAML

/// A node of a YAML document, with its place. Scalars keep their text: what type it is of, the key that it belongs to
/// decides, so that `no` can be the name of a line.
struct YAMLNode: Equatable {
    indirect enum Content: Equatable {
        case plain(String)
        /// In quotes, or a block.
        case quoted(String)
        case sequence([YAMLNode])
        /// In the order of the file, with duplicates.
        case mapping([Entry])
    }

    struct Entry: Equatable {
        let key: YAMLNode
        let value: YAMLNode
    }

    let content: Content
    let place: ConfigurationError.Place
}

/// Why a text is not a document that a configuration can be read from.
struct YAMLProblem: Error {
    let message: String
    /// Nil where the file cannot be read at all.
    let place: ConfigurationError.Place?
}

/// Reads one YAML document into nodes, by libyaml's event parser.
struct YAMLReader {
    /// Deeper than any configuration goes; a file of brackets alone must not exhaust the stack.
    private static let deepest = 16

    private var parser: UnsafeMutablePointer<yaml_parser_t>

    /// The root of the only document in `text`; nil where there is nothing but comments.
    static func read(_ text: [UInt8]) throws(YAMLProblem) -> YAMLNode? {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        // It fails only for want of memory.
        precondition(yaml_parser_initialize(parser) == 1, "no memory for a YAML parser")
        defer { yaml_parser_delete(parser) }
        let result: Result<YAMLNode?, YAMLProblem> = text.withUnsafeBufferPointer { buffer in
            yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
            do throws(YAMLProblem) {
                return .success(try YAMLReader(parser: parser).document())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private struct Event {
        enum Kind {
            case scalar(String, isQuoted: Bool)
            case sequenceStart, sequenceEnd, mappingStart, mappingEnd
            case documentStart, documentEnd, streamStart, streamEnd
            case alias
        }
        let kind: Kind
        let isTagged: Bool
        let place: ConfigurationError.Place
    }

    private func document() throws(YAMLProblem) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let event = try next()
            switch event.kind {
            case .streamStart, .documentEnd: continue
            case .streamEnd: return root
            case .documentStart:
                guard root == nil else {
                    throw YAMLProblem(message: "a second document begins; only one is read", place: event.place)
                }
                root = try node(from: try next(), depth: 0)
            default: throw YAMLProblem(message: "this is no YAML document", place: event.place)
            }
        }
    }

    private func node(from event: Event, depth: Int) throws(YAMLProblem) -> YAMLNode {
        guard depth < Self.deepest else { throw YAMLProblem(message: "is nested too deep", place: event.place) }
        guard !event.isTagged else { throw YAMLProblem(message: "tags have no meaning here", place: event.place) }
        switch event.kind {
        case .scalar(let text, let isQuoted):
            return YAMLNode(content: isQuoted ? .quoted(text) : .plain(text), place: event.place)
        case .sequenceStart:
            var elements: [YAMLNode] = []
            while true {
                let event = try next()
                if case .sequenceEnd = event.kind { break }
                elements.append(try node(from: event, depth: depth + 1))
            }
            return YAMLNode(content: .sequence(elements), place: event.place)
        case .mappingStart:
            var entries: [YAMLNode.Entry] = []
            while true {
                let event = try next()
                if case .mappingEnd = event.kind { break }
                let key = try node(from: event, depth: depth + 1)
                entries.append(.init(key: key, value: try node(from: try next(), depth: depth + 1)))
            }
            return YAMLNode(content: .mapping(entries), place: event.place)
        case .alias: throw YAMLProblem(message: "aliases (*name) are not supported", place: event.place)
        default: throw YAMLProblem(message: "this is no YAML document", place: event.place)
        }
    }

    private func next() throws(YAMLProblem) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        var isTagged = false
        let kind: Event.Kind
        switch event.type {
        case YAML_STREAM_START_EVENT: kind = .streamStart
        case YAML_STREAM_END_EVENT: kind = .streamEnd
        case YAML_DOCUMENT_START_EVENT: kind = .documentStart
        case YAML_DOCUMENT_END_EVENT: kind = .documentEnd
        case YAML_SEQUENCE_START_EVENT:
            kind = .sequenceStart
            isTagged = event.data.sequence_start.tag != nil
        case YAML_SEQUENCE_END_EVENT: kind = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            kind = .mappingStart
            isTagged = event.data.mapping_start.tag != nil
        case YAML_MAPPING_END_EVENT: kind = .mappingEnd
        case YAML_ALIAS_EVENT: kind = .alias
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            kind = .scalar(String(decoding: text, as: UTF8.self), isQuoted: scalar.style != YAML_PLAIN_SCALAR_STYLE)
            isTagged = scalar.tag != nil
        default: throw YAMLProblem(message: "this is no YAML document", place: .init(event.start_mark))
        }
        return Event(kind: kind, isTagged: isTagged, place: .init(event.start_mark))
    }

    /// What libyaml has to say about the text it could not parse.
    private func problem() -> YAMLProblem {
        let parser = parser.pointee
        let reason = parser.problem.map { String(cString: $0) } ?? "not enough memory"
        if parser.error == YAML_READER_ERROR {
            // The reader, which checks the encoding, knows an offset and no line; the parser's mark is close behind.
            return YAMLProblem(message: "\(reason) (byte \(parser.problem_offset))", place: .init(parser.mark))
        }
        let context = parser.context.map {
            " \(String(cString: $0)) that began in line \(parser.context_mark.line + 1)"
        }
        return YAMLProblem(message: "\(reason)\(context ?? "")", place: .init(parser.problem_mark))
    }
}

extension ConfigurationError.Place {
    /// libyaml counts from 0.
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}
