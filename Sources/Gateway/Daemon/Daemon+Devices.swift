import Board
import Calls
import Media
import Wire

/// The camera, the microphone, the speaker, the button and the chime.
extension Daemon {
    /// How often a GPIO line that is missing is looked for.
    static let lineRetryInterval = Duration.seconds(5)

    func startMedia() {
        startVideo()
        startSound()
        startVoices()
    }

    func startVideo() {
        video = VideoPipeline(
            configuration: configuration.video, doorName: configuration.door.name, log: log,
            onFrame: { [loop] frame, encoding, due in
                loop.submit(due: due ?? .zero) { $0.take(.picture(frame, of: encoding), due: due) }
            },
            onPicture: { [loop] picture in loop.submit { $0.cameraBecame(picture) } })
        video?.start()
    }

    func startSound() {
        expectedLoss = ExpectedLoss()
        sound = SoundCapture(
            configuration: configuration.audio, log: log,
            onPacket: { [loop] packet, due in
                loop.submit(due: due ?? .zero) { $0.take(.sound(packet), due: due) }
            },
            onInput: { [loop] input in loop.submit { $0.microphoneBecame(input) } })
        sound?.start()
    }

    func startVoices() {
        voices = VoicePlayer(
            configuration: configuration.audio, log: log,
            onOutput: { [loop] output in loop.submit { $0.speakerBecame(output) } })
        voices?.start()
    }

    // MARK: What became of a device

    private func cameraBecame(_ picture: VideoPipeline.Picture) {
        switch picture {
        case .camera(let name):
            log.info("camera: \(name)")
            devices.camera = .live
        case .testCard(let name, let reason):
            log.info("camera: \(name), because \(reason)")
            devices.camera = .testCard
        case .none(let reason):
            log.warning("camera: no picture, because \(reason)")
            devices.camera = .none
        }
        tellDevices()
    }

    private func microphoneBecame(_ input: SoundCapture.Input) {
        switch input {
        case .microphone(let name):
            log.info("microphone: \(name)")
            devices.microphone = .live
        case .file(let path):
            log.info("microphone: the file \(path) in its place, as it is configured")
            devices.microphone = .live
        case .tone(let reason):
            log.info("microphone: a quiet tone, because \(reason)")
            devices.microphone = .tone
        case .none(let reason):
            log.warning("microphone: silence, because \(reason)")
            devices.microphone = .none
        }
        tellDevices()
    }

    private func speakerBecame(_ output: VoicePlayer.Output) {
        switch output {
        case .speaker(let name):
            log.info("speaker: \(name)")
            devices.speaker = .live
        case .none(let reason):
            let isFault = configuration.audio.playback == .device
            if isFault {
                log.warning("speaker: none, because \(reason)")
            } else {
                log.info("speaker: none, because \(reason)")
            }
            devices.speaker = .none
        }
        tellDevices()
    }

    private func tellDevices() {
        hub.handle(.devicesChanged(devices), at: MonotonicClock.now)
    }

    // MARK: Lines

    /// Opens the button's, the chime's, the lock's and the light's lines where they are missing.
    func openLines(at now: Instant) {
        let isFirst = nextDeviceAttempt == nil
        nextDeviceAttempt = nil
        if configuration.button.enabled, button == nil { openButton(isFirst: isFirst, at: now) }
        if configuration.chime.line != nil, chime == nil { openChime(isFirst: isFirst, at: now) }
        openDoorLines(isFirst: isFirst, at: now)
    }

    private func openButton(isFirst: Bool, at now: Instant) {
        let settings = configuration.button
        do throws(DeviceError) {
            let chips = GPIOChips.list()
            let line =
                if let name = settings.line {
                    try chips.line(name, chip: settings.chip)
                } else {
                    try chips.buttonLine()
                }
            let opened = try GPIOButton(
                line, active: settings.active, bias: settings.bias, debounce: settings.debounce)
            button = opened
            loop.watch(opened.fileDescriptor, for: .readable) { daemon, _ in
                daemon.pollLines(at: MonotonicClock.now)
            }
            log.info("button: \(opened.description)")
        } catch {
            if isFirst {
                let message = "button: none, because \(error); “doorward ring” rings all the same"
                if settings.line == nil { log.info(message) } else { log.warning(message) }
            }
            // one that the owner names will come (a USB expander, a module loaded late); none is guessed later on
            if settings.line != nil { nextDeviceAttempt = now + Self.lineRetryInterval }
        }
    }

    private func openChime(isFirst: Bool, at now: Instant) {
        do throws(DeviceError) {
            chime = try Chime(configuration.chime, isRinging: hub.isRinging, at: now)
            log.info("chime: \(chime?.description ?? "")")
        } catch {
            if isFirst { log.warning("chime: none, because \(error)") }
            nextDeviceAttempt = now + Self.lineRetryInterval
        }
    }

    /// Takes presses, moves a blinking chime on, and locks what was open long enough.
    func pollLines(at now: Instant) {
        chime?.advance(at: now, log: log)
        advanceDoorLines(at: now)
        guard let button else { return }
        do throws(DeviceError) {
            while try button.nextPress(timeout: .zero) != nil { pressButton(at: now) }
        } catch {
            log.warning("button: \(error)")
            loop.forget(button.fileDescriptor)
            self.button = nil
            nextDeviceAttempt = now + Self.lineRetryInterval
        }
    }

    func pressButton(at now: Instant) {
        hub.handle(.buttonPressed(wallClock: WallClock.now.epochMilliseconds), at: now)
    }

    // MARK: The shell

    /// Answers `doorward ring`.
    func answerControl() {
        guard let question = control?.takeQuestion() else { return }
        guard stoppingUntil == nil else { return question.answer("error the daemon is stopping") }
        if question.text == "ring" {
            pressButton(at: MonotonicClock.now)
            question.answer("ok \(hub.viewerCount)")
        } else if !answerHousehold(question) {
            question.answer("error the daemon knows no “\(question.text.prefix(40))”")
        }
    }
}
