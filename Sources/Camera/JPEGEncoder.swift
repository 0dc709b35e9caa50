import CTurboJPEG
public import Media

/// Makes JPEG files of pictures.
public enum JPEGEncoder {
    /// A JFIF file of `frame`, with `quality` 1 to 100; nil where there is no memory for it.
    public static func encode(_ frame: VideoFrame, quality: Int = 90) -> [UInt8]? {
        precondition((1...100).contains(quality), "libjpeg-turbo knows the qualities 1 to 100")
        guard let compressor = tjInitCompress() else { return nil }
        defer { tjDestroy(compressor) }
        let size = frame.size
        let bytes = inFullRange(frame)
        var file: UnsafeMutablePointer<UInt8>?
        var length: UInt = 0
        let result = tjCompressFromYUV(
            compressor, bytes, Int32(size.width), 1, Int32(size.height), Int32(TJSAMP_420.rawValue), &file, &length,
            Int32(quality), 0)
        defer { tjFree(file) }
        guard result == 0, let file else { return nil }
        return Array(UnsafeBufferPointer(start: file, count: Int(length)))
    }

    /// A frame is of the limited range (BT.601: luma 16 to 235, chroma 16 to 240), a JPEG file of the full one (JFIF §3).
    private static func inFullRange(_ frame: VideoFrame) -> [UInt8] {
        let luma = table { ($0 - 16) * 255 / 219 }
        let chroma = table { ($0 - 128) * 255 / 224 + 128 }
        let lumaCount = frame.size.width * frame.size.height
        return [UInt8](unsafeUninitializedCapacity: frame.bytes.count) { buffer, count in
            for (index, byte) in frame.bytes.enumerated() {
                buffer.initializeElement(at: index, to: index < lumaCount ? luma[Int(byte)] : chroma[Int(byte)])
            }
            count = frame.bytes.count
        }
    }

    private static func table(_ value: (Double) -> Double) -> [UInt8] {
        (0..<256).map { UInt8(min(max(value(Double($0)), 0), 255).rounded()) }
    }
}
