import SimulatedPeers

/// What the command line asks for.
struct Options: Sendable {
    var count = 10_000
    var seed: UInt64 = 1
    var kinds = CallKind.allCases
    var isTraced = false
    /// Whether to explore glare instead.
    var isGlare = false
    /// Whether to count what sending allocates instead.
    var isAllocations = false

    struct Misuse: Error, CustomStringConvertible {
        let description: String
    }

    init(_ arguments: some Sequence<String>) throws(Misuse) {
        var rest = Array(arguments)
        func value(of option: String) throws(Misuse) -> String {
            guard !rest.isEmpty else { throw Misuse(description: "\(option) wants a value") }
            return rest.removeFirst()
        }
        while !rest.isEmpty {
            let argument = rest.removeFirst()
            switch argument {
            case "--seed":
                guard let number = UInt64(try value(of: argument)) else {
                    throw Misuse(description: "a seed is a number")
                }
                seed = number
            case "--only":
                let name = try value(of: argument)
                guard let kind = CallKind(rawValue: name) else {
                    let known = CallKind.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Misuse(description: "no kind is called \(name); there are: \(known)")
                }
                kinds = [kind]
            case "--glare":
                isGlare = true
            case "--allocations":
                isAllocations = true
            case "--trace":
                isTraced = true
            default:
                guard let number = Int(argument), number > 0 else {
                    throw Misuse(
                        description:
                            "usage: simulate-calls [COUNT] [--seed S] [--only KIND] [--trace] [--glare] [--allocations]"
                    )
                }
                count = number
            }
        }
    }

    /// The scenario of a seed: kinds take turns, so that a kind and a seed are the same call in every campaign.
    func scenario(_ seed: UInt64) -> CallScenario {
        CallScenario(kinds[Int(seed % UInt64(kinds.count))], seed: seed)
    }
}
