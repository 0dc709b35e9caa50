import FuzzTargets
import Glibc

/// `fuzz TARGET [libFuzzer's arguments]` searches for inputs that break a target; `fuzz TARGET --seeds FOLDER` writes
/// the well-formed ones to begin with. `board/fuzz` builds and runs it.
@main enum Fuzz {
    nonisolated(unsafe) private static var target = FuzzTarget.stun
    /// Where processes that libFuzzer starts find the target: it passes only its own arguments on to them.
    private static let variable = "DOORWARD_FUZZ_TARGET"

    static func main() {
        let program = CommandLine.arguments[0]
        var arguments = Array(CommandLine.arguments.dropFirst())
        let inherited = getenv(variable).map { String(cString: $0) }
        if inherited == nil, let name = arguments.first {
            setenv(variable, name, 1)
            arguments.removeFirst()
        }
        guard let chosen = getenv(variable).flatMap({ FuzzTarget(rawValue: String(cString: $0)) }) else {
            print(
                "usage: fuzz TARGET [arguments]; there are: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))"
            )
            exit(2)
        }
        target = chosen
        if arguments.count == 2, arguments[0] == "--seeds" { return writeSeeds(to: arguments[1]) }
        let passed = [program, "-max_len=\(chosen.maximumLength)"] + arguments
        var count = Int32(passed.count)
        var pointers: [UnsafeMutablePointer<CChar>?] = passed.map { strdup($0) } + [nil]
        pointers.withUnsafeMutableBufferPointer { buffer in
            var start = buffer.baseAddress
            exit(runDriver(&count, &start) { bytes, count in Fuzz.run(bytes, count) })
        }
    }

    private static func run(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
        target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    }

    private static func writeSeeds(to folder: String) {
        for (number, seed) in target.seeds.enumerated() {
            guard let file = fopen("\(folder)/seed-\(number)", "w") else { fatalError("cannot write to \(folder)") }
            fwrite(seed, 1, seed.count, file)
            fclose(file)
        }
    }
}

/// libFuzzer's, which the sanitiser's runtime brings.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ run: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32
