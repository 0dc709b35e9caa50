import Board
import Camera
import Media
import Sound
import Testing

@testable import Gateway

@Suite struct DeviceListTests {
    @Test func `A machine without devices is told what takes their place`() {
        #expect(
            DeviceList.text(cameras: ([], []), sound: [], gpio: GPIOChips(chips: [])) == """
                cameras
                  none: the test card takes the camera's place

                microphones
                  none: a tone takes the microphone's place

                speakers
                  none: nobody is heard at the door

                GPIO lines
                  none: “doorward ring” presses the button from a shell

                """)
    }

    @Test func `Cameras are listed with their formats, sound by its direction, lines with their use`() throws {
        let rates = try #require([FrameRate(frames: 15), FrameRate(frames: 30)] as? [FrameRate])
        let camera = CameraDevice(
            path: "/dev/video0", name: "HD Webcam", driver: "uvcvideo", bus: "usb-1",
            formats: [
                CameraFormat(
                    fourCC: FourCC("YUYV"), name: "YUYV 4:2:2",
                    sizes: [
                        CameraSize(width: 640, height: 480, frameRates: rates),
                        CameraSize(width: 1280, height: 720, frameRates: []),
                    ]),
                CameraFormat(
                    fourCC: .h264, name: "H.264",
                    sizes: [CameraSize(width: 1280, height: 720, frameRates: rates)]),
                CameraFormat(
                    fourCC: FourCC("XYZ1"), name: "Unheard-of", sizes: [],
                    range: CameraSizeRange(widths: 16...1920, heights: 16...1080, widthStep: 2, heightStep: 2)),
            ])
        let sound = [
            SoundDevice(name: "plughw:CARD=Mic,DEV=0", cardName: "USB Mic", deviceName: "Audio", direction: .capture),
            SoundDevice(name: "plughw:CARD=Amp,DEV=0", cardName: "DAC", deviceName: "PCM", direction: .playback),
        ]
        let path = "/dev/gpiochip0"
        let lines = [
            GPIOLine(
                chipPath: path, chipLabel: "pinctrl", offset: 0, name: "ID_SDA", consumer: nil, isUsed: false,
                isOutput: false),
            GPIOLine(
                chipPath: path, chipLabel: "pinctrl", offset: 1, name: nil, consumer: "led", isUsed: true,
                isOutput: true),
            GPIOLine(
                chipPath: path, chipLabel: "pinctrl", offset: 2, name: "GPIO2", consumer: nil, isUsed: true,
                isOutput: true),
            GPIOLine(
                chipPath: path, chipLabel: "pinctrl", offset: 3, name: "GPIO3", consumer: nil, isUsed: false,
                isOutput: true),
        ]
        let gpio = GPIOChips(
            chips: [GPIOChip(path: path, label: "pinctrl", lines: lines)],
            problems: [DeviceError("cannot open the GPIO chip /dev/gpiochip1")])
        #expect(
            DeviceList.text(cameras: ([camera], [DeviceError("may not read /dev/video9")]), sound: sound, gpio: gpio)
                == """
                cameras
                  may not read /dev/video9
                  /dev/video0  HD Webcam (uvcvideo, usb-1)
                      YUYV  YUYV 4:2:2  640x480 at up to 30, 1280x720
                      H264  H.264  1280x720 at up to 30  (encoded by the camera: see video.passthrough)
                      XYZ1  Unheard-of  16x16 to 1920x1080  (not used)

                microphones
                  plughw:CARD=Mic,DEV=0  USB Mic, Audio

                speakers
                  plughw:CARD=Amp,DEV=0  DAC, PCM

                GPIO lines
                  cannot open the GPIO chip /dev/gpiochip1
                  /dev/gpiochip0  pinctrl, 4 lines
                      0  ID_SDA  input
                      1  unnamed  used by led
                      2  GPIO2  used by the kernel
                      3  GPIO3  output

                """)
    }

    @Test func `The list of this machine has its four parts`() {
        let titles = DeviceList.text().split(separator: "\n").filter { !$0.hasPrefix(" ") }
        #expect(titles == ["cameras", "microphones", "speakers", "GPIO lines"])
    }
}
