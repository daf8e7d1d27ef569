package soak

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// fill registers what v answers.
func (s *stage) fill(v *server) {
	v.OnRequest(func(*hyperlane.Context) error { v.asked.Add(1); return nil })
	v.OnResponse(func(c *hyperlane.Context) error {
		c.Response.SetHeader("X-Mark", c.Request.Header("X-Mark"))
		return nil
	})
	v.OnFinish(func(*hyperlane.Context) { v.finished.Add(1) })

	v.Get("/text/{start:int}/{size:int}", func(c *hyperlane.Context) error {
		r, err := ribbonOf(c)
		if err != nil {
			return err
		}
		return c.Text(r.text())
	})
	v.Get("/ribbon/{start:int}/{size:int}", sendRibbon)
	v.Get("/file", func(c *hyperlane.Context) error { return c.File(s.path) })
	v.Post("/gather", gather)
	v.Post("/pour", pour)
	v.Post("/ignore", func(c *hyperlane.Context) error { return c.Text("ignored") })
	s.fillSlow(v)
	s.fillFailing(v)
	s.fillWatched(v)
	s.fillSockets(v)
	s.fillTopics(v)
}

// ribbonOf returns the ribbon that the path asks for.
func ribbonOf(c *hyperlane.Context) (r ribbon, err error) {
	if r.start, err = hyperlane.Param[int64](c, "start"); err != nil {
		return r, err
	}
	r.size, err = hyperlane.Param[int64](c, "size")
	return r, err
}

// sendRibbon streams in pieces of any size, with a trailer that says how it ended.
func sendRibbon(c *hyperlane.Context) error {
	r, err := ribbonOf(c)
	if err != nil {
		return err
	}
	c.Response.SetHeader("Content-Type", "text/ribbon").SetTrailer("X-Size", fmt.Sprint(r.size))
	return c.Stream(func(w *hyperlane.Stream) error {
		if err := w.Flush(); err != nil { // so that it is chunked, whatever its size
			return err
		}
		body, piece := r.reader(), make([]byte, 1+rand.IntN(64<<10))
		for {
			n, err := body.Read(piece)
			if err == io.EOF {
				return nil
			}
			if _, err := w.Write(piece[:n]); err != nil {
				return err
			}
			if n%2 == 0 {
				if err := w.Flush(); err != nil {
					return err
				}
			}
		}
	})
}

// gather reads the whole body and then answers with it.
func gather(c *hyperlane.Context) error {
	body, err := c.Request.Body()
	if err != nil {
		return err
	}
	return c.Bytes("text/gathered", body)
}

// pour answers with the body while it comes.
func pour(c *hyperlane.Context) error {
	c.Response.SetHeader("Content-Type", "text/poured")
	return c.Stream(func(w *hyperlane.Stream) error {
		if err := w.Flush(); err != nil {
			return err
		}
		_, err := io.Copy(w, c.Request.BodyReader())
		return err
	})
}

// fillSlow adds handlers that take their time.
func (s *stage) fillSlow(v *server) {
	v.Get("/sleep/{ms:int}", func(c *hyperlane.Context) error {
		ms, err := hyperlane.Param[int](c, "ms")
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return c.Text(fmt.Sprint("slept ", ms))
	})
	v.Get("/mutex/{number:int}", func(c *hyperlane.Context) error {
		s.mutex.Lock()
		time.Sleep(time.Millisecond)
		s.mutex.Unlock()
		return c.Text("had " + c.Param("number"))
	})
	v.Get("/spin/{ms:int}", func(c *hyperlane.Context) error {
		ms, err := hyperlane.Param[int](c, "ms")
		if err != nil {
			return err
		}
		for end := time.Now().Add(time.Duration(ms) * time.Millisecond); time.Now().Before(end); {
		}
		return c.Text(fmt.Sprint("span ", ms))
	})
}

// fillFailing adds handlers that fail in every way.
func (s *stage) fillFailing(v *server) {
	v.Get("/panic", func(*hyperlane.Context) error {
		s.panics.Add(1)
		panic("asked to")
	})
	v.Get("/panic/late", func(c *hyperlane.Context) error {
		return c.Stream(func(w *hyperlane.Stream) error {
			io.Copy(w, half.reader())
			w.Flush()
			s.panics.Add(1)
			panic("asked to, behind half of the answer")
		})
	})
	v.Get("/error", func(*hyperlane.Context) error { return fmt.Errorf("asked to") })
	v.Get("/refuse/{number:int}", func(c *hyperlane.Context) error {
		return hyperlane.Errorf(http.StatusConflict, "number %s is taken", c.Param("number"))
	})
	v.Get("/exit", func(*hyperlane.Context) error {
		s.exits.Add(1)
		runtime.Goexit()
		return nil
	})
}

// half is what has left of an answer that breaks off.
var half = ribbon{5, 100_000}
