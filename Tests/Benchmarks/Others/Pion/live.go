package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"

	"github.com/pion/webrtc/v3"
)

// What encodes for a live source; nil before it has begun.
var ffmpeg *exec.Cmd

// Raw I420 frames, over and over, and a tone; what ffmpeg makes of them is passed on packet by packet, as the library's example rtp-to-webrtc does.
func liveSource(frames string, width, height, rate, kilobits int) source {
	pictures, picturesPort := relay(picturesCodec, "pictures")
	sound, soundPort := relay(soundCodec, "sound")
	return source{pictures: pictures, sound: sound, begin: func() {
		bitrate := fmt.Sprintf("%dk", kilobits)
		ffmpeg = exec.Command("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error",
			"-re", "-stream_loop", "-1", "-f", "rawvideo", "-pixel_format", "yuv420p",
			"-video_size", fmt.Sprintf("%dx%d", width, height), "-framerate", strconv.Itoa(rate), "-i", frames,
			"-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
			"-map", "0:v", "-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-profile:v", "baseline", "-threads", "1",
			"-b:v", bitrate, "-maxrate", bitrate, "-bufsize", fmt.Sprintf("%dk", kilobits*3/10), "-g", strconv.Itoa(rate),
			"-f", "rtp", fmt.Sprintf("rtp://127.0.0.1:%d?pkt_size=1200", picturesPort),
			"-map", "1:a", "-c:a", "libopus", "-ac", "1", "-b:a", "32k", "-application", "voip", "-frame_duration", "20",
			"-f", "rtp", fmt.Sprintf("rtp://127.0.0.1:%d?pkt_size=1200", soundPort))
		ffmpeg.Stderr = os.Stderr
		check(ffmpeg.Start())
	}}
}

// A track of what comes to a port of its own, and the port.
func relay(codec webrtc.RTPCodecCapability, name string) (webrtc.TrackLocal, int) {
	track, err := webrtc.NewTrackLocalStaticRTP(codec, name, "door")
	check(err)
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(err)
	check(socket.SetReadBuffer(1 << 20))
	go func() {
		packet := make([]byte, 1500)
		for {
			count, err := socket.Read(packet)
			check(err)
			// one viewer's broken connection is told here, and is none of the others' business
			_, _ = track.Write(packet[:count])
		}
	}()
	return track, socket.LocalAddr().(*net.UDPAddr).Port
}
