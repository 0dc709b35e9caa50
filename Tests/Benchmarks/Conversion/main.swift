// What it costs to turn a camera's picture into I420, for each format, against a copy of the same bytes.
//
//     swift run -c release benchmark-conversion [WIDTHxHEIGHT]
//
// The conversion and the copy take turns within one run, so that whatever else the machine does meets both alike; each
// line is the median of its rounds. Like a camera, four pictures come by turns, and each is converted into new memory.
// For JPEG, the copy and the MB/s are those of the decoded picture.

import CTurboJPEG
import Camera
import Glibc
import Media

func nanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The time of a call of each, in many rounds by turns; of the rounds the median.
func compare(_ first: () -> Int, _ second: () -> Int) -> (first: Double, second: Double) {
    func round(_ body: () -> Int) -> Double {
        let count = 20
        let start = nanoseconds()
        for _ in 0..<count { sink &+= body() }
        return Double(nanoseconds() - start) / Double(count)
    }
    let rounds = (0..<15).map { _ in (round(first), round(second)) }
    func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }
    return (median(rounds.map(\.0)), median(rounds.map(\.1)))
}

/// Keeps the results alive.
nonisolated(unsafe) var sink = 0

func padded(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }

func report(_ name: String, byteCount: Int, _ times: (first: Double, second: Double)) {
    let rates = [times.first, times.second].map { Int(Double(byteCount) * 1_000 / $0) }
    let ratio = (times.first / times.second * 100).rounded() / 100
    print(
        padded(name, 10), padded("\(Int(times.first / 1_000))", 10), padded("\(rates[0])", 8),
        padded("\(Int(times.second / 1_000))", 12), padded("\(rates[1])", 8), padded("\(ratio)", 8))
}

func jpeg(_ size: VideoSize, _ subsampling: TJSAMP, of picture: [UInt8]) -> [UInt8] {
    let compressor = tjInitCompress()
    defer { tjDestroy(compressor) }
    let sampling = Int32(subsampling.rawValue)
    var planes = Array(picture[..<(size.width * size.height)])
    for component in 1..<Int32(3) {
        let width = Int(tjPlaneWidth(component, Int32(size.width), sampling))
        let height = Int(tjPlaneHeight(component, Int32(size.height), sampling))
        let start = size.width * size.height * (component == 1 ? 4 : 5) / 4
        for y in 0..<height {
            let row = start + y * (size.height / 2) / height * size.width / 2
            planes += (0..<width).map { picture[row + $0 * (size.width / 2) / width] }
        }
    }
    var buffer: UnsafeMutablePointer<UInt8>?
    var length: UInt = 0
    let result = tjCompressFromYUV(
        compressor, planes, Int32(size.width), 1, Int32(size.height), sampling, &buffer, &length, 85, 0)
    precondition(result == 0, "libturbojpeg compresses")
    defer { tjFree(buffer) }
    return Array(UnsafeBufferPointer(start: buffer, count: Int(length)))
}

let sides = (CommandLine.arguments.dropFirst().first ?? "1280x720").split(separator: "x").compactMap { Int($0) }
guard sides.count == 2, sides.allSatisfy({ $0 > 0 && $0 % 2 == 0 && $0 <= 8_192 }) else {
    print("a size is WIDTHxHEIGHT, both even")
    exit(2)
}
let size = VideoSize(width: sides[0], height: sides[1])
let card = TestCard(size: size, frameRate: 1_000, name: "benchmark")
guard let picture = try card.nextFrame(timeout: .seconds(1), wanted: true)?.bytes else { exit(1) }

print("\(size), microseconds a frame and MB/s")
print("    format    convert     MB/s   plain copy     MB/s    ratio")
for format in PixelFormat.allCases where format.memoryPlaneCount == 1 && format != .jpeg {
    let pictures: [[UInt8]]
    switch format {
    case .mjpeg: pictures = [jpeg(size, TJSAMP_422, of: picture), jpeg(size, TJSAMP_420, of: picture)]
    case .yuyv, .uyvy, .yvyu, .vyuy:
        pictures = (0..<4).map { _ in [UInt8](repeating: 90, count: size.width * size.height * 2) }
    default: pictures = (0..<4).map { _ in [UInt8](repeating: 90, count: size.i420ByteCount) }
    }
    // The JPEGs of each subsampling by themselves: USB cameras give 4:2:2.
    for (name, pictures) in format == .mjpeg
        ? [("MJPG 4:2:2", [pictures[0]]), ("MJPG 4:2:0", [pictures[1]])] : [(format.rawValue, pictures)]
    {
        let converter = PictureConverter(format: format, width: size.width, height: size.height, bytesPerLine: [0])
        guard let converter else { exit(1) }
        let copied = format == .mjpeg ? [picture] : pictures
        var turn = 0
        let times = compare(
            {
                turn += 1
                return pictures[turn % pictures.count].withUnsafeBytes { converter.convert([$0])?.count ?? 0 }
            },
            {
                turn += 1
                return copied[turn % copied.count].withUnsafeBytes { bytes in
                    [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
                        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
                        count = bytes.count
                    }.count
                }
            })
        report(name, byteCount: copied[0].count, times)
    }
}
