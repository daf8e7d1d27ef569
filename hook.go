package hyperlane

import (
	"net"
	"runtime/debug"
)

// hooks are called when something happened. They are added before the server starts, and run in that order.
type hooks struct {
	connect  []func(remote net.Addr) error
	upgrade  []Handler
	err      []func(c *Context, err error) error
	panicked []func(c *Context, p *PanicError)
	finish   []func(c *Context)
	shutdown []func()
}

// OnConnect adds a hook for each new connection, before a byte of it is read. An error closes the connection; it is logged.
func (s *Server) OnConnect(hook func(remote net.Addr) error) {
	s.hooks.connect = append(s.hooks.connect, hook)
}

// OnUpgrade adds a hook for each connection that is about to leave HTTP, after the handler has asked for it and before 101 is sent.
// An error is answered instead.
func (s *Server) OnUpgrade(hook Handler) { s.hooks.upgrade = append(s.hooks.upgrade, hook) }

// OnError adds a hook for each error that a request ends with, before it is answered. A hook that has set an answer on c.Response
// returns nil, and no other is asked. Returning err passes it on: to the next hook and to the default answer.
func (s *Server) OnError(hook func(c *Context, err error) error) {
	s.hooks.err = append(s.hooks.err, hook)
}

// OnPanic adds a hook for each panic of a handler, middleware or hook. The request then goes on as after an error.
func (s *Server) OnPanic(hook func(c *Context, p *PanicError)) {
	s.hooks.panicked = append(s.hooks.panicked, hook)
}

// OnFinish adds a hook that runs when the last byte of a response has left, or the connection has failed: see Response.Status and
// Response.Size; all that c has can still be read. The response can no longer be changed. After an upgrade it runs with the 101, and for a
// Feed when the head has left, or, where net/http has the connection, at the end. A message that was refused before it was a request has none.
func (s *Server) OnFinish(hook func(c *Context)) { s.hooks.finish = append(s.hooks.finish, hook) }

// OnShutdown adds a hook that runs when the server begins to shut down, before it stops accepting.
func (s *Server) OnShutdown(hook func()) { s.hooks.shutdown = append(s.hooks.shutdown, hook) }

// guard runs h and turns a panic into an error. A Goexit passes through: the engine then closes the connection.
func guard(c *Context, h Handler) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return h(c)
}

// guardAlone runs f, which is code of a connection without a request: a panic has no answer to become, so the log gets it, as failure.
// A Goexit passes through.
func (s *Server) guardAlone(failure string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p := &PanicError{Value: v, Stack: debug.Stack()}
			s.cells.other().panicked.Add(1)
			s.config.Logger.Error(failure, "error", p, "stack", string(p.Stack))
			err = p
		}
	}()
	return f()
}

// onError reports whether a hook has answered err.
func (s *Server) onError(c *Context, err error) (answered bool) {
	for _, hook := range s.hooks.err {
		failed := guard(c, func(c *Context) error { return hook(c, err) })
		if failed == nil {
			return true
		}
		if p, ok := failed.(*PanicError); ok {
			s.tellPanic(c, p)
			s.log(c, p)
		}
	}
	return false
}

func (s *Server) tellPanic(c *Context, p *PanicError) {
	for _, hook := range s.hooks.panicked {
		err := guard(c, func(c *Context) error { hook(c, p); return nil })
		if err != nil {
			s.log(c, err)
		}
	}
}

func (s *Server) tellFinish(c *Context) {
	for _, hook := range s.hooks.finish {
		if err := guard(c, func(c *Context) error { hook(c); return nil }); err != nil {
			s.log(c, err)
		}
	}
}
