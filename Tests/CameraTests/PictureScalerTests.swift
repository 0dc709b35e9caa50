import Camera
import Media
import Testing
import Wire

struct PictureScalerTests {
    /// A picture whose samples are what `sample` says of plane, column and row.
    private func frame(_ size: VideoSize, _ sample: (_ plane: Int, _ x: Int, _ y: Int) -> UInt8) -> VideoFrame {
        var bytes: [UInt8] = []
        for plane in 0..<3 {
            let half = plane == 0 ? 1 : 2
            for y in 0..<size.height / half { for x in 0..<size.width / half { bytes.append(sample(plane, x, y)) } }
        }
        return VideoFrame(size: size, bytes: bytes, captured: .zero + .seconds(7))
    }

    /// The samples of one plane, row by row.
    private func rows(_ frame: VideoFrame, plane: Int) -> [[UInt8]] {
        let half = plane == 0 ? 1 : 2
        let (width, height) = (frame.size.width / half, frame.size.height / half)
        let start = [0, frame.size.width * frame.size.height, frame.size.width * frame.size.height * 5 / 4][plane]
        return (0..<height).map { Array(frame.bytes[(start + $0 * width)..<(start + ($0 + 1) * width)]) }
    }

    @Test(arguments: PictureScale.allCases)
    func `a plain picture stays plain, and keeps its time`(scale: PictureScale) {
        let picture = frame(VideoSize(width: 1280, height: 720)) { plane, _, _ in [90, 200, 30][plane] }
        let small = PictureScaler.scale(picture, by: scale)
        #expect(small.size == scale.size(of: picture.size))
        #expect(small.captured == picture.captured)
        for (plane, value) in [UInt8(90), 200, 30].enumerated() {
            #expect(rows(small, plane: plane).allSatisfy { $0.allSatisfy { $0 == value } })
        }
    }

    @Test func `at half the size a pixel is the mean of four`() {
        let picture = frame(VideoSize(width: 84, height: 8)) { _, x, y in UInt8(x % 2 * 3 + y % 2 * 100) }
        let small = PictureScaler.scale(picture, by: .half)
        // (0 + 3 + 100 + 103) / 4, rounded
        for plane in 0..<3 { #expect(rows(small, plane: plane).allSatisfy { $0.allSatisfy { $0 == 52 } }) }
    }

    @Test func `at three quarters of the size four samples become three, in both directions`() {
        let columns = frame(VideoSize(width: 80, height: 8)) { _, x, _ in [0, 40, 80, 200][x % 4] }
        let rowsOf = frame(VideoSize(width: 80, height: 8)) { _, _, y in [0, 40, 80, 200][y % 4] }
        let expected: [UInt8] = [10, 60, 170]
        for plane in 0..<3 {
            let across = rows(PictureScaler.scale(columns, by: .threeQuarters), plane: plane)
            #expect(across.allSatisfy { row in row.enumerated().allSatisfy { $1 == expected[$0 % 3] } })
            let down = rows(PictureScaler.scale(rowsOf, by: .threeQuarters), plane: plane)
            #expect(down.enumerated().allSatisfy { index, row in row.allSatisfy { $0 == expected[index % 3] } })
        }
    }

    @Test func `a slope stays a slope at every scale`() {
        let picture = frame(VideoSize(width: 176, height: 144)) { _, x, y in UInt8(x / 2 + y) }
        for scale in PictureScale.allCases {
            let luma = rows(PictureScaler.scale(picture, by: scale), plane: 0)
            let step = 176.0 / Double(luma[0].count)
            for (y, row) in luma.enumerated() {
                for (x, value) in row.enumerated() {
                    let place = ((Double(x) + 0.5) * step - 0.5) / 2 + (Double(y) + 0.5) * step - 0.5
                    #expect(abs(Double(value) - place) <= 1.5, "\(scale) at \(x), \(y)")
                }
            }
        }
    }

    @Test func `sizes that no scale divides are cut at the right and the bottom`() {
        for (width, height) in [(2, 2), (6, 10), (18, 22), (854, 482), (642, 362)] {
            let picture = frame(VideoSize(width: width, height: height)) { _, _, _ in 77 }
            for scale in PictureScale.allCases where width >= 8 && height >= 8 {
                let small = PictureScaler.scale(picture, by: scale)
                #expect(small.size == scale.size(of: picture.size))
                #expect(small.bytes.allSatisfy { $0 == 77 })
            }
        }
    }
}
