import Codecs
import Testing
import Wire

struct KeyFrameRequestsTests {
    private func milliseconds(_ count: Int64) -> Instant { Instant(nanoseconds: count * 1_000_000) }

    private func isKeyFrame(_ requests: inout KeyFrameRequests, at count: Int64) -> Bool {
        requests.takeKeyFrame(at: milliseconds(count))
    }

    @Test func `without a request there is no key frame`() {
        var requests = KeyFrameRequests()
        #expect(!isKeyFrame(&requests, at: 0))
        #expect(!isKeyFrame(&requests, at: 10_000))
    }

    @Test func `the first request is served at once and only once`() {
        var requests = KeyFrameRequests()
        requests.request()
        #expect(isKeyFrame(&requests, at: 0))
        #expect(!isKeyFrame(&requests, at: 33))
        #expect(!isKeyFrame(&requests, at: 600))
    }

    @Test func `requests that come together are served by one key frame`() {
        var requests = KeyFrameRequests()
        for _ in 0..<10 { requests.request() }
        let times = (0..<100).map { Int64($0) * 33 }
        let keyFrames = times.filter { requests.takeKeyFrame(at: milliseconds($0)) }
        #expect(keyFrames == [0])
    }

    @Test func `a request inside the window is kept and served when the window opens`() {
        var requests = KeyFrameRequests(interval: .milliseconds(500))
        requests.request()
        #expect(isKeyFrame(&requests, at: 1_000))
        requests.request()
        #expect(!isKeyFrame(&requests, at: 1_033))
        #expect(!isKeyFrame(&requests, at: 1_499))
        #expect(isKeyFrame(&requests, at: 1_500))
        #expect(!isKeyFrame(&requests, at: 2_100))
    }

    @Test func `a viewer who asks with every picture gets two key frames a second`() {
        var requests = KeyFrameRequests()
        var count = 0
        for time in stride(from: Int64(0), to: 10_000, by: 10) {
            requests.request()
            if requests.takeKeyFrame(at: milliseconds(time)) { count += 1 }
        }
        #expect(count == 20)
    }

    @Test func `a key frame that the encoder made by itself answers the requests before it`() {
        var requests = KeyFrameRequests()
        requests.request()
        requests.keyFrameWasEncoded(at: milliseconds(100))
        #expect(!isKeyFrame(&requests, at: 700))
        requests.request()
        #expect(isKeyFrame(&requests, at: 733))
    }

    @Test func `a newcomer does not wait for the window`() {
        var requests = KeyFrameRequests()
        requests.request()
        #expect(isKeyFrame(&requests, at: 0))
        requests.request()
        #expect(!isKeyFrame(&requests, at: 33))
        requests.request(isNewcomer: true)
        #expect(isKeyFrame(&requests, at: 66))
        // and what is asked after that waits as ever
        requests.request()
        #expect(!isKeyFrame(&requests, at: 533))
        #expect(isKeyFrame(&requests, at: 566))
    }

    @Test func `many newcomers get three key frames at once and then little more than two a second`() {
        var requests = KeyFrameRequests()
        var times: [Int64] = []
        for time in stride(from: Int64(0), to: 10_000, by: 10) {
            requests.request(isNewcomer: true)
            if requests.takeKeyFrame(at: milliseconds(time)) { times.append(time) }
        }
        #expect(times.prefix(4) == [0, 10, 20, 30])
        #expect(times.count <= 4 + 20 + 5)
        // after a quiet while they need not wait again
        for time in [20_000, 20_010, 20_020, 20_030] as [Int64] {
            requests.request(isNewcomer: true)
            #expect(isKeyFrame(&requests, at: time))
        }
    }
}
