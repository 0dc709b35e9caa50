// pion-server: pion as a WHEP server, for board/benchmark. Every viewer of http://127.0.0.1:PORT/whep is sent the same stream:
//
//	pion-server ready PICTURES SOUND RATE                 files that are encoded already, over and over
//	pion-server live FRAMES WIDTH HEIGHT RATE KILOBITS    raw frames and a tone, which ffmpeg encodes and hands over by RTP
//
// It writes “port PORT” when it serves, and ends when its input does. Built from Debian's packages alone, as board/benchmark does.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"

	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v3"
)

var (
	picturesCodec = webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeH264, ClockRate: 90000,
		SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
	}
	soundCodec = webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
	}
)

// What a viewer is sent.
type source struct {
	pictures, sound webrtc.TrackLocal
	// Sends; called once, when the first viewer has called.
	begin func()
}

func main() {
	var source source
	switch arguments := os.Args[1:]; {
	case len(arguments) == 4 && arguments[0] == "ready":
		source = readySource(arguments[1], arguments[2], number(arguments[3]))
	case len(arguments) == 6 && arguments[0] == "live":
		source = liveSource(arguments[1], number(arguments[2]), number(arguments[3]), number(arguments[4]), number(arguments[5]))
	default:
		log.Fatal("pion-server: see the head of its source for its arguments")
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	check(err)
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	server := &server{api: makeAPI(), source: source, calls: map[string]*webrtc.PeerConnection{}}
	go func() { check(http.Serve(listener, server)) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	if ffmpeg != nil {
		_ = ffmpeg.Process.Kill()
		_ = ffmpeg.Wait()
	}
}

// As the library's own examples do it, with what a sender wants: its two codecs, answers to NACK, reports, transport-wide numbers.
func makeAPI() *webrtc.API {
	engine := &webrtc.MediaEngine{}
	check(engine.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: picturesCodec, PayloadType: 102}, webrtc.RTPCodecTypeVideo))
	check(engine.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: soundCodec, PayloadType: 111}, webrtc.RTPCodecTypeAudio))
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		engine.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, kind)
	}
	registry := &interceptor.Registry{}
	check(webrtc.ConfigureNack(engine, registry))
	check(webrtc.ConfigureRTCPReports(registry))
	check(webrtc.ConfigureTWCCHeaderExtensionSender(engine, registry))
	settings := webrtc.SettingEngine{}
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(address net.IP) bool { return address.IsLoopback() })
	return webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
}

type server struct {
	api    *webrtc.API
	source source
	begin  sync.Once
	mutex  sync.Mutex
	calls  map[string]*webrtc.PeerConnection
	number int
}

func (server *server) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	switch request.Method {
	case http.MethodPost:
		offer, err := io.ReadAll(request.Body)
		if err == nil {
			err = server.answer(string(offer), response)
		}
		if err != nil {
			log.Print(err)
			http.Error(response, err.Error(), http.StatusBadRequest)
		}
	case http.MethodDelete:
		server.mutex.Lock()
		call := server.calls[request.URL.Path]
		delete(server.calls, request.URL.Path)
		server.mutex.Unlock()
		if call != nil {
			_ = call.Close()
		}
	default:
		response.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (server *server) answer(offer string, response http.ResponseWriter) error {
	call, err := server.api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		return err
	}
	for _, track := range []webrtc.TrackLocal{server.source.pictures, server.source.sound} {
		sender, err := call.AddTrack(track)
		if err != nil {
			return err
		}
		// whoever does not read the viewers' reports does not answer them
		go func() {
			buffer := make([]byte, 1500)
			for {
				if _, _, err := sender.Read(buffer); err != nil {
					return
				}
			}
		}()
	}
	if err := call.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return err
	}
	answer, err := call.CreateAnswer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(call)
	if err := call.SetLocalDescription(answer); err != nil {
		return err
	}
	<-gathered
	server.mutex.Lock()
	server.number++
	resource := fmt.Sprintf("/whep/%d", server.number)
	server.calls[resource] = call
	server.mutex.Unlock()
	server.begin.Do(func() { go server.source.begin() })
	response.Header().Set("Content-Type", "application/sdp")
	response.Header().Set("Location", resource)
	response.WriteHeader(http.StatusCreated)
	_, err = io.WriteString(response, call.LocalDescription().SDP)
	return err
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal("pion-server: ", err)
	}
}
