package hyperlane_test

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// A view looks into the input buffer. The handler that has one may block for as long as it likes, and its client may go: the buffer stays its
// own, while the loop and its other connections go on.
func TestAViewHoldsUntilItsHandlerReturns(t *testing.T) {
	for _, body := range []int{4, 100, 30_000} {
		ours(t, func(t *testing.T, d hyperlanetest.Driver) {
			looking, proceed := make(chan struct{}, 1), make(chan struct{})
			after := make(chan [3]string, 1)
			c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
				fillBodies(s)
				s.Post("/view/{name}", func(c *hyperlane.Context) error {
					header, host := c.Request.HeaderView("X-Name"), c.Request.HeaderView("Host")
					body, err := c.Request.BodyView()
					looking <- struct{}{}
					<-proceed
					after <- [3]string{string(header), string(host), string(body)}
					return err
				})
			})
			for range 2 { // a slow route is served elsewhere the second time
				nc := c.Dial()
				mine := strings.Repeat("a", body)
				write(t, nc, "POST /view/a HTTP/1.1\r\nHost: aaa\r\nX-Name: aaaaaa\r\nContent-Length: "+
					strconv.Itoa(body)+"\r\n\r\n"+mine)
				await(t, looking, "the handler")
				reset(nc)
				for range 4 * runtime.GOMAXPROCS(0) { // some of them are on the same loop
					other := c.Dial()
					for range 3 {
						write(t, other, "POST /body HTTP/1.1\r\nHost: bbb\r\nX-Name: bbbbbb\r\nContent-Length: "+strconv.Itoa(body)+"\r\n\r\n"+strings.Repeat("b", body))
						if got, err := readMessage(other); err != nil || !strings.HasPrefix(got, "HTTP/1.1 200") {
							t.Fatalf("got %.100q, %v", got, err)
						}
					}
				}
				proceed <- struct{}{}
				if got, want := await(t, after, "the views"), [3]string{"aaaaaa", "aaa", mine}; got != want {
					t.Errorf("got %.100q, want %.100q", got, want)
				}
			}
		})
	}
}
