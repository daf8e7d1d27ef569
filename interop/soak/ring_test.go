package soak

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// ringSize is a prime, so that a piece that is lost, doubled or in the wrong place shows: no buffer has a multiple of it.
const ringSize = 65521

// ring is what all bodies are cut from, twice over, so that a piece of up to ringSize bytes lies in one. It is ASCII, because it also
// makes messages of text, and full of what framing is made of.
var ring = func() []byte {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 :;,{}\"\r\n\r\n"
	r := rand.New(rand.NewPCG(1, 2))
	once := make([]byte, ringSize)
	for i := range once {
		once[i] = letters[r.IntN(len(letters))]
	}
	return append(once, once...)
}()

// ribbon is so many bytes of the ring, from a place on, round and round: a body that both ends know by two numbers.
type ribbon struct{ start, size int64 }

// text returns a ribbon as a whole.
func (r ribbon) text() string {
	var b strings.Builder
	b.Grow(int(r.size))
	io.Copy(&b, r.reader())
	return b.String()
}

func (r ribbon) reader() io.Reader { return &ribbonReader{r.start, r.size} }

type ribbonReader struct{ at, left int64 }

func (r *ribbonReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), r.left)], ring[r.at%ringSize:])
	r.at += int64(n)
	r.left -= int64(n)
	return n, nil
}

// follow reads n bytes of got and compares them with want.
func follow(want, got io.Reader, n int64) error {
	var expected, actual [16 << 10]byte
	for at := int64(0); at < n; {
		size := min(n-at, int64(len(actual)))
		m, err := io.ReadFull(got, actual[:size])
		if _, short := io.ReadFull(want, expected[:m]); short != nil {
			return fmt.Errorf("got %d bytes, want only some of them", at+int64(m))
		}
		if !bytes.Equal(expected[:m], actual[:m]) {
			i := 0
			for expected[i] == actual[i] {
				i++
			}
			return fmt.Errorf("byte %d of %d: got %q, want %q", at+int64(i), n, shown(actual[i:m]), shown(expected[i:m]))
		}
		at += int64(m)
		if err != nil {
			return fmt.Errorf("behind %d of %d bytes: %w", at, n, err)
		}
	}
	return nil
}

// over checks that got has ended.
func over(got io.Reader) error {
	var one [1]byte
	switch n, err := io.ReadFull(got, one[:]); {
	case n > 0:
		return fmt.Errorf("got %q behind the end", one[:])
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("in place of the end: %w", err)
	}
	return nil
}

// shown is what of p fits into a message.
func shown(p []byte) []byte { return p[:min(len(p), 200)] }
