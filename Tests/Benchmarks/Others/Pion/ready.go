package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media"
	"github.com/pion/webrtc/v3/pkg/media/h264reader"
)

// Files of H.264 (Annex B) and Opus (Ogg, packets of 20 ms), read once and sent over and over.
func readySource(pictures, sound string, rate int) source {
	picturesTrack, err := webrtc.NewTrackLocalStaticSample(picturesCodec, "pictures", "door")
	check(err)
	soundTrack, err := webrtc.NewTrackLocalStaticSample(soundCodec, "sound", "door")
	check(err)
	accessUnits, packets := readPictures(pictures), readSound(sound)
	return source{pictures: picturesTrack, sound: soundTrack, begin: func() {
		go sendOverAndOver(accessUnits, time.Second/time.Duration(rate), picturesTrack)
		go sendOverAndOver(packets, 20*time.Millisecond, soundTrack)
	}}
}

func sendOverAndOver(samples [][]byte, interval time.Duration, track *webrtc.TrackLocalStaticSample) {
	begun := time.Now()
	for number := 0; ; number++ {
		time.Sleep(time.Until(begun.Add(time.Duration(number) * interval)))
		// one viewer's broken connection is told here, and is none of the others' business
		_ = track.WriteSample(media.Sample{Data: samples[number%len(samples)], Duration: interval})
	}
}

// Access units in Annex B, each with the parameter sets before it.
func readPictures(path string) [][]byte {
	file, err := os.ReadFile(path)
	check(err)
	reader, err := h264reader.NewReader(bytes.NewReader(file))
	check(err)
	var accessUnits [][]byte
	var unit []byte
	for {
		nal, err := reader.NextNAL()
		if errors.Is(err, io.EOF) {
			return accessUnits
		}
		check(err)
		unit = append(append(unit, 0, 0, 0, 1), nal.Data...)
		if nal.UnitType == h264reader.NalUnitTypeCodedSliceIdr || nal.UnitType == h264reader.NalUnitTypeCodedSliceNonIdr {
			accessUnits = append(accessUnits, unit)
			unit = nil
		}
	}
}

// The packets of an Ogg file whose pages hold many each, but none in part; the library's reader gives whole pages.
func readSound(path string) [][]byte {
	file, err := os.ReadFile(path)
	check(err)
	var packets [][]byte
	for at := 0; at < len(file); {
		segments := file[at+27 : at+27+int(file[at+26])]
		at += 27 + len(segments)
		start := at
		for _, length := range segments {
			at += int(length)
			if packet := file[start:at]; length < 255 {
				if !bytes.HasPrefix(packet, []byte("OpusHead")) && !bytes.HasPrefix(packet, []byte("OpusTags")) {
					packets = append(packets, packet)
				}
				start = at
			}
		}
	}
	return packets
}
