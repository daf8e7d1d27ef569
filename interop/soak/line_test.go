package soak

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// line is the client's end of one connection.
type line struct {
	*net.TCPConn
	r      *bufio.Reader
	dialed time.Time
	forget func() bool
}

// dial opens a connection, on which nothing takes longer than patience.
func (c *client) dial(addr string) (*line, error) {
	dialed := time.Now()
	nc, err := new(net.Dialer).DialContext(c.ctx, "tcp", addr)
	// The ports of connections that have ended are not free at once.
	for errors.Is(err, syscall.EADDRNOTAVAIL) && time.Since(dialed) < patience {
		time.Sleep(100 * time.Millisecond)
		nc, err = new(net.Dialer).DialContext(c.ctx, "tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	nc.SetDeadline(dialed.Add(patience))
	forget := context.AfterFunc(c.ctx, func() { nc.SetDeadline(dialed) })
	return &line{nc.(*net.TCPConn), bufio.NewReader(nc), dialed, forget}, nil
}

// keep returns the connection of the client that lasts, and dials if there is none.
func (c *client) keep() (*line, error) {
	if c.kept == nil {
		l, err := c.dial(c.addr)
		if err != nil {
			return nil, err
		}
		c.kept = l
	}
	c.kept.SetDeadline(time.Now().Add(patience))
	return c.kept, nil
}

// drop closes the connection that lasts.
func (c *client) drop() {
	if c.kept != nil {
		c.kept.Close()
		c.kept = nil
	}
}

// once runs talk on a connection of its own.
func (c *client) once(addr string, talk func(l *line) error) error {
	l, err := c.dial(addr)
	if err != nil {
		return err
	}
	defer l.Close()
	return talk(l)
}

func (l *line) Close() error {
	l.forget()
	return l.TCPConn.Close()
}

// reset ends the connection as a program does that is killed with bytes unread.
func (l *line) reset() {
	l.SetLinger(0)
	l.Close()
}

func (l *line) send(text string) error {
	_, err := io.WriteString(l, text)
	return err
}

// scatter sends text in pieces: now and then single bytes, with a pause where the server may find the piece alone.
func (c *client) scatter(l *line, text string) error {
	for most := 1 + c.IntN(1+c.IntN(len(text))); text != ""; {
		n := min(1+c.IntN(most), len(text))
		if err := l.send(text[:n]); err != nil {
			return err
		}
		text = text[n:]
		if c.chance(20) {
			c.upTo(time.Millisecond)
		}
	}
	return nil
}
