import FoundationEssentials
import Identity
import Web

extension HTTPResponse {
    /// An answer in JSON; `isPretty` for what people read, too.
    static func json(_ status: Int, _ value: some Encodable, isPretty: Bool = false) -> HTTPResponse {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
            return HTTPResponse(
                status: status, headers: [.init("Content-Type", "application/json")],
                body: Array(try encoder.encode(value)) + [UInt8(ascii: "\n")])
        } catch {
            return HTTPResponse(status: 500, text: "\(error)\n")
        }
    }

    /// 200 with a file.
    static func file(_ bytes: [UInt8], type: String) -> HTTPResponse {
        HTTPResponse(status: 200, headers: [Header("Content-Type", type)], body: bytes)
    }

    /// A refusal in JSON: a word for programs, a sentence for people.
    static func failure(_ status: Int, _ error: String, _ message: String) -> HTTPResponse {
        json(status, ["error": error, "message": message])
    }

    /// The answer to what the household refused.
    static func failure(_ refusal: Doorkeeper.Refusal) -> HTTPResponse {
        switch refusal {
        case .household(let error):
            var response = failure(error.status, error.word, error.description)
            if case .tooManyGuesses(let wait) = error {
                response.headers.append(.init("Retry-After", "\(wait.components.seconds + 1)"))
            }
            return response
        case .notKept(let error): return failure(500, "not_kept", "Nothing was changed: \(error).")
        case .busy: return failure(503, "busy", "There is too much to do. Try again.")
        }
    }
}

extension IdentityError {
    fileprivate var status: Int {
        switch self {
        case .wrongCode, .wrongInvitation: 403
        case .tooManyGuesses: 429
        case .nameWanted, .badName, .badEnd: 422
        case .unknown: 404
        case .lastOwner, .full, .keyInUse: 409
        }
    }

    var word: String {
        switch self {
        case .wrongCode: "wrong_code"
        case .tooManyGuesses: "too_many_guesses"
        case .wrongInvitation: "wrong_invitation"
        case .nameWanted: "name_wanted"
        case .badName: "bad_name"
        case .badEnd: "bad_end"
        case .unknown: "unknown"
        case .lastOwner: "last_owner"
        case .full: "full"
        case .keyInUse: "key_in_use"
        }
    }
}

extension HTTPRequest {
    /// The body as `Value`; nil where it is not said to be JSON, which a form on a foreign page cannot say, or is none.
    func decoded<Value: Decodable>(as type: Value.Type) -> Value? {
        guard contentType == "application/json" else { return nil }
        return try? JSONDecoder().decode(type, from: Data(body))
    }
}
