package websocket

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// What a sync flush ends with, which is not sent (RFC 7692 section 7.2.1), and an empty last block, which makes a reader stop.
const (
	flushTail = "\x00\x00\xff\xff"
	lastBlock = "\x01\x00\x00\xff\xff"
)

// deflater compresses the messages of one connection, or, without context takeover, of any that have the same window.
type deflater struct {
	w   *flate.Writer
	out appender
}

// appender is an io.Writer that appends.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

func newDeflater(window int) *deflater {
	d := new(deflater)
	w, err := flate.NewWriterWindow(&d.out, 1<<window)
	if err != nil {
		panic(err) // window is from 8 to 15
	}
	d.w = w
	return d
}

// append appends p, compressed, to b. After an error, which a writer to memory has never had, the deflater is of no use.
func (d *deflater) append(b, p []byte) ([]byte, error) {
	d.out.b = b
	_, err := d.w.Write(p)
	err = errors.Join(err, d.w.Flush())
	b, d.out.b = d.out.b, nil
	return bytes.TrimSuffix(b, []byte(flushTail)), err
}

// deflaters are those without context, by the bits of their window.
var deflaters [16]sync.Pool

// compress appends p to b, compressed without regard to other messages.
func compress(b, p []byte, window int) ([]byte, error) {
	d, _ := deflaters[window].Get().(*deflater)
	if d == nil {
		d = newDeflater(window)
	}
	b, err := d.append(b, p)
	d.w.Reset(&d.out)
	deflaters[window].Put(d)
	return b, err
}

// inflater is a reader that is taken for one message.
type inflater struct {
	r    io.ReadCloser
	from source
}

// source is a message and what has to be put behind it. As an io.ByteReader it is never read ahead of.
type source struct {
	p    []byte
	tail string
}

func (s *source) Read(p []byte) (int, error) {
	n := copy(p, s.p)
	s.p = s.p[n:]
	if n == 0 {
		n = copy(p, s.tail)
		s.tail = s.tail[n:]
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (s *source) ReadByte() (byte, error) {
	var c byte
	switch {
	case len(s.p) > 0:
		c, s.p = s.p[0], s.p[1:]
	case s.tail != "":
		c, s.tail = s.tail[0], s.tail[1:]
	default:
		return 0, io.EOF
	}
	return c, nil
}

var inflaters = sync.Pool{New: func() any {
	i := new(inflater)
	i.r = flate.NewReader(&i.from)
	return i
}}

var (
	errTooBig  = refuse(StatusTooBig, "the message is larger than the limit")
	errDeflate = refuse(StatusInvalidData, "the message cannot be decompressed")
)

// maxStreams is how many times the sender may have ended a block of a message as its last. Each costs as much as 32 KiB of data, and takes
// two bytes: without a limit a megabyte would keep a core busy for seconds. Senders do it once, or once for each flush.
const maxStreams = 256

// expand appends the message that was compressed to p, at most limit bytes, to b. Window is what the message may refer back to.
func expand(b, p, window []byte, limit int64) ([]byte, error) {
	i := inflaters.Get().(*inflater)
	defer inflaters.Put(i)
	i.from = source{p, flushTail + lastBlock}
	start := len(b)
	for streams := 0; i.from.tail != ""; streams++ { // once, unless the sender has ended a block as its last (RFC 7692 section 7.2.3.4)
		if streams > maxStreams {
			return b, errDeflate
		}
		dict := window
		if len(b) > start {
			dict = remember(bytes.Clone(window), b[start:])
		}
		if err := i.r.(flate.Resetter).Reset(&i.from, dict); err != nil {
			return b, err
		}
		for {
			if len(b) == cap(b) {
				b = append(b, 0)[:len(b)]
			}
			n, err := i.r.Read(b[len(b):cap(b)])
			b = b[:len(b)+n]
			if int64(len(b)-start) > limit {
				return b, errTooBig
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return b, errDeflate
			}
		}
	}
	return b, nil
}

const maxWindow = 32 << 10

// remember returns the last 32 KiB of what window and then p are, in the memory of window if there is enough.
func remember(window, p []byte) []byte {
	if len(p) >= maxWindow {
		return append(window[:0], p[len(p)-maxWindow:]...)
	}
	if keep := maxWindow - len(p); len(window) > keep {
		window = window[:copy(window, window[len(window)-keep:])]
	}
	return append(window, p...)
}
