package engine

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// piece is how much of a large body is given to the kernel at a time: a peer that takes less in Config.WriteTimeout is gone.
const piece = 64 << 10

func (b *blocking) send(t *Turn, tail []byte) error {
	if b.state.Load() == ended {
		return ErrClosed // or it was detached in this turn, and belongs to another
	}
	if b.switched {
		return b.sendShared(t, tail)
	}
	err := b.write(t.Out, tail)
	t.Out = t.Out[:0]
	if cap(t.Out) > keepBuffer {
		t.Out = nil
	}
	return err
}

// sendShared is send for a connection on which others send too: everything goes through the outbox, in order.
func (b *blocking) sendShared(t *Turn, tail []byte) error {
	b.outbox.lock()
	defer b.outbox.unlock()
	err := b.outbox.flush(b)
	if err == nil {
		err = b.write(t.Out, tail)
	}
	t.Out = t.Out[:0]
	return err
}

// write gives head and then tail to the kernel, with one call where they are short.
func (b *blocking) write(head, tail []byte) error {
	if len(tail) > 0 && len(tail) <= 4<<10 && cap(head)-len(head) >= len(tail) {
		head, tail = append(head, tail...), nil
	}
	if len(head) > 0 && len(tail) > 0 {
		first := tail[:min(len(tail), piece)]
		tail = tail[len(first):]
		parts := net.Buffers{head, first}
		for again := true; again; {
			b.writeBy.set(b.engine.clock.after(b.engine.config.WriteTimeout))
			n, err := parts.WriteTo(b.nc)
			b.sent.Add(uint64(n))
			if again, err = b.wrote(err); err != nil {
				return err
			}
		}
		head = nil
	}
	for _, rest := range [2][]byte{head, tail} {
		for len(rest) > 0 {
			b.writeBy.set(b.engine.clock.after(b.engine.config.WriteTimeout))
			n, err := b.nc.Write(rest[:min(len(rest), piece)])
			b.sent.Add(uint64(n))
			if _, err = b.wrote(err); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	return nil
}

// wrote ends the watch over one write. The sweep speaks through the write deadline, and may have meant a write that was over by
// then: what is left is to be written again.
func (b *blocking) wrote(err error) (again bool, _ error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		b.writeBy.stop()
		b.stray.Store(0)
		return false, err
	}
	late := b.engine.clock.passed(b.writeBy.get())
	b.writeBy.stop()
	if n := b.stray.Add(1); late || n > 1 { // twice in a row: crypto/tls keeps the error for good
		b.engine.blocking.past.timeouts.Add(1)
		return false, ErrTimeout
	}
	return true, b.nc.SetWriteDeadline(time.Time{})
}

func (b *blocking) sendFile(t *Turn, f *os.File, offset, n int64) error {
	if err := b.send(t, nil); err != nil {
		return err
	}
	for n > 0 {
		// A write that is tried again may have read more of the file than it has sent.
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			return err
		}
		part := &io.LimitedReader{R: f, N: min(n, 16*piece)}
		want := part.N
		b.writeBy.set(b.engine.clock.after(b.engine.config.WriteTimeout))
		sent, err := io.Copy(b.nc, part)
		b.sent.Add(uint64(sent))
		again, err := b.wrote(err)
		if err != nil {
			return err
		}
		if sent < want && !again {
			return io.ErrUnexpectedEOF
		}
		offset += sent
		n -= sent
	}
	return nil
}
