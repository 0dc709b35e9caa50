import Web

/// A single picture, for programs.
extension Daemon {
    /// Answers with the next picture as a JPEG file; 503 where there is none, and where what the camera encodes itself is
    /// passed on, which nobody here decodes.
    func takeSnapshot(_ visit: Endpoint.Visit) -> HTTPResponse? {
        guard let video else { return Self.noPicture }
        let id = visit.id
        video.snapshots.add { [self, loop] file in
            loop.submit {
                self.assumeIsolated { daemon in
                    let response = file.map {
                        HTTPResponse(status: 200, headers: [.init("Content-Type", "image/jpeg")], body: $0)
                    }
                    daemon.web?.respond(to: id, with: response ?? Self.noPicture)
                }
            }
        }
        return nil
    }

    private static let noPicture = HTTPResponse.failure(
        503, "no_picture", "There is no picture now, or none that is not encoded already.")
}
