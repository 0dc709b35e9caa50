import FuzzTargets
import Glibc

/// `fuzz TARGET [libFuzzer's arguments]` searches for inputs that break a target; `fuzz TARGET --seeds FOLDER` writes
/// the well-formed ones to begin with. `board/fuzz` builds and runs it.
@main enum Fuzz {
    nonisolated(unsafe) private static var target = FuzzTarget.stun

    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count >= 2, let chosen = FuzzTarget(rawValue: arguments[1]) else {
            print(
                "usage: fuzz TARGET [arguments]; there are: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))"
            )
            exit(2)
        }
        target = chosen
        if arguments.count == 4, arguments[2] == "--seeds" { return writeSeeds(to: arguments[3]) }
        let passed = [arguments[0], "-max_len=\(chosen.maximumLength)"] + arguments.dropFirst(2)
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
