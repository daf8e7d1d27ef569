package engine

import (
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// A peer may end at any moment, also at the one when the owner of its connection lets go of it: nothing else will ever happen on the
// connection, so an end that is missed there leaks it. There are no deadlines here that would tidy up.
func TestAHangupAtTheEndOfAHandlerLeaksNoConnection(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{Loops: 2})
		s.release() // a gate is a handler of no time
		var clients sync.WaitGroup
		for i := range 8 {
			random := rand.New(rand.NewPCG(2, uint64(i)))
			clients.Go(func() {
				for range 50 {
					p, err := dialer.Dial(s.addr.Network(), s.addr.String())
					if err != nil {
						t.Error(err)
						return
					}
					line := []string{"x\n", "gate\n", "off\n", "off\ngate\n", "half", "out 200000\n", "fill 5\n12"}[random.IntN(7)]
					io.WriteString(p, line)
					switch random.IntN(4) {
					case 0:
						if line != "half" && !strings.HasPrefix(line, "fill") { // which are not answered
							p.Read(make([]byte, 1))
						}
					case 1:
						p.(interface{ CloseWrite() error }).CloseWrite()
					case 2:
						if tcp, ok := p.(interface{ SetLinger(int) error }); ok {
							tcp.SetLinger(0)
						}
					}
					p.Close()
				}
			})
		}
		clients.Wait()
		s.eventually("all connections have ended", func() bool { return s.engine.open.Load() == 0 })
	})
}
