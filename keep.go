package hyperlane

import (
	"crypto/tls"
	"slices"

	"github.com/hyperlane-go/hyperlane/internal/engine"
)

// Kept is a request for as long as its connection lasts, in little more memory than its bytes: an upgraded connection may be idle for
// hours, and a detached Context takes over a kilobyte.
type Kept struct {
	server *Server
	route  *registration
	handle *engine.Conn
	tls    *tls.ConnectionState
	raw    string // the head; it is parsed again when somebody asks
	found  *found // nil if there is nothing in it

	other *Context // instead of the above, where there was no such head
}

// found is what a request has been given on its way to its handler.
type found struct {
	params []param
	values []value
}

// Keep keeps the request, without its body.
func (c *Context) Keep() *Kept {
	c.inUse()
	if c.std() != nil || c.detached {
		return &Kept{other: c.Detach()}
	}
	k := &Kept{server: c.server, route: c.route, handle: c.Request.info.handle, tls: c.Request.info.tls, raw: string(c.exchange.raw)}
	if params := c.allParams(); len(params)+len(c.values) > 0 {
		k.found = &found{params, slices.Clone(c.values)}
	}
	return k
}

// Value returns what was set for key on the request's Context, or nil. Any goroutine may call it.
func (k *Kept) Value(key any) any {
	switch {
	case k.other != nil:
		return find(k.other.values, key)
	case k.found != nil:
		return find(k.found.values, key)
	}
	return nil
}

// Context returns a detached Context of the request, made anew by each call: see Context.Detach. Any goroutine may call it.
func (k *Kept) Context() *Context {
	if k.other != nil {
		return k.other.Detach()
	}
	d := &Context{server: k.server, base: k.server.base, wire: noWire{}, route: k.route, detached: true}
	if k.found != nil {
		d.params, d.values = k.found.params, slices.Clone(k.found.values)
	}
	d.exchange.raw = []byte(k.raw)
	d.exchange.head.Parse(d.exchange.raw, &k.server.headLimits) // as it was parsed before
	d.Request.c, d.Response.c = d, d
	d.Request.info, d.Request.buffered = peer{handle: k.handle, tls: k.tls}, true
	return d
}
