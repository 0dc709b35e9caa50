import Wire

extension PayloadProtocolIdentifier {
    /// A message of the establishment protocol (RFC 8832 §8.1).
    public static let dataChannelEstablishment = PayloadProtocolIdentifier(50)
    /// Text (RFC 8831 §8).
    public static let string = PayloadProtocolIdentifier(51)
    /// Bytes.
    public static let binary = PayloadProtocolIdentifier(53)
    /// Text of no characters: one byte stands for it, which means nothing (RFC 8831 §6.6).
    public static let emptyString = PayloadProtocolIdentifier(56)
    /// No bytes: as above.
    public static let emptyBinary = PayloadProtocolIdentifier(57)
    /// A part of a text (RFC 8831 §6.6: "deprecated").
    public static let partialString = PayloadProtocolIdentifier(54)
    /// A part of bytes.
    public static let partialBinary = PayloadProtocolIdentifier(52)
}

/// A message of the Data Channel Establishment Protocol (RFC 8832 §5).
public enum DataChannelEstablishmentMessage: Hashable, Sendable {
    /// DATA_CHANNEL_OPEN.
    case open(DataChannelOpen)
    /// DATA_CHANNEL_ACK.
    case acknowledgement

    /// Why bytes are no such message.
    public enum ParsingError: Error, Hashable, Sendable {
        /// It ends too early.
        case truncated
        /// Another kind of message.
        case unknownType(UInt8)
        /// A channel type that is not known.
        case unknownChannelType(UInt8)
        /// Its label or protocol is not UTF-8.
        case notText
    }

    private static let openType: UInt8 = 3
    private static let acknowledgementType: UInt8 = 2

    /// Reads a message's payload.
    public init(parsing bytes: [UInt8]) throws(ParsingError) {
        var reader = ByteReader(bytes)
        do {
            let type = try reader.uint8()
            switch type {
            case Self.openType: self = .open(try DataChannelOpen(&reader))
            case Self.acknowledgementType: self = .acknowledgement
            default: throw ParsingError.unknownType(type)
            }
        } catch let error as ParsingError {
            throw error
        } catch {
            throw .truncated
        }
    }

    /// The message as it travels.
    public var bytes: [UInt8] {
        switch self {
        case .open(let open): [Self.openType] + open.bytes
        case .acknowledgement: [Self.acknowledgementType]
        }
    }
}

/// What a side says of the channel that it opens (RFC 8832 §5.1).
///
/// ```
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Message Type |  Channel Type |            Priority           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    Reliability Parameter                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |         Label Length          |       Protocol Length         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     Label, then Protocol                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
public struct DataChannelOpen: Hashable, Sendable {
    /// How hard messages are tried.
    public enum Reliability: Hashable, Sendable {
        /// Until they arrive.
        case reliable
        /// So many retransmissions.
        case retransmissions(UInt32)
        /// So many milliseconds.
        case lifetime(UInt32)
    }

    /// Whether messages keep their order.
    public var isOrdered: Bool
    /// How hard they are tried.
    public var reliability: Reliability
    /// Of RFC 8831 §6.4: 128, 256 (normal), 512, 1024.
    public var priority: UInt16
    /// The channel's name.
    public var label: String
    /// The subprotocol spoken.
    public var subprotocol: String

    /// What is said of a channel.
    public init(
        isOrdered: Bool = true, reliability: Reliability = .reliable, priority: UInt16 = 256, label: String,
        subprotocol: String = ""
    ) {
        self.isOrdered = isOrdered
        self.reliability = reliability
        self.priority = priority
        self.label = label
        self.subprotocol = subprotocol
    }

    fileprivate init(_ reader: inout ByteReader) throws {
        let type = try reader.uint8()
        priority = try reader.uint16()
        let parameter = try reader.uint32()
        let labelLength = Int(try reader.uint16())
        let subprotocolLength = Int(try reader.uint16())
        switch type & 0x7F {
        case 0: reliability = .reliable
        case 1: reliability = .retransmissions(parameter)
        case 2: reliability = .lifetime(parameter)
        default: throw DataChannelEstablishmentMessage.ParsingError.unknownChannelType(type)
        }
        isOrdered = type & 0x80 == 0
        guard let label = String(validating: try reader.slice(labelLength), as: UTF8.self),
            let subprotocol = String(validating: try reader.slice(subprotocolLength), as: UTF8.self)
        else { throw DataChannelEstablishmentMessage.ParsingError.notText }
        self.label = label
        self.subprotocol = subprotocol
    }

    fileprivate var bytes: [UInt8] {
        let (kind, parameter): (UInt8, UInt32) =
            switch reliability {
            case .reliable: (0, 0)
            case .retransmissions(let count): (1, count)
            case .lifetime(let milliseconds): (2, milliseconds)
            }
        var bytes: [UInt8] = [kind | (isOrdered ? 0 : 0x80)]
        bytes.append(uint16: priority)
        bytes.append(uint32: parameter)
        bytes.append(uint16: UInt16(clamping: label.utf8.count))
        bytes.append(uint16: UInt16(clamping: subprotocol.utf8.count))
        bytes += label.utf8.prefix(Int(UInt16.max))
        bytes += subprotocol.utf8.prefix(Int(UInt16.max))
        return bytes
    }
}
