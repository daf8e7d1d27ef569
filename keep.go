package hyperlane

// Kept is a request for as long as its connection lasts, in little more memory than its bytes: an upgraded connection may be idle for
// hours, and a detached Context takes over a kilobyte.
type Kept struct {
	server *Server
	route  *registration
	params []param
	values []value
	info   peer
	raw    []byte   // the head; it is parsed again when somebody asks
	other  *Context // instead of the above, where there was no such head
}

// Keep keeps the request, without its body.
func (c *Context) Keep() *Kept {
	c.inUse()
	if c.std() != nil || c.detached {
		return &Kept{other: c.Detach()}
	}
	return &Kept{
		server: c.server, route: c.route, params: c.allParams(), values: append([]value(nil), c.values...), info: c.Request.info,
		raw: append([]byte(nil), c.exchange.raw...),
	}
}

// Value returns what was set for key on the request's Context, or nil. Any goroutine may call it.
func (k *Kept) Value(key any) any {
	values := k.values
	if k.other != nil {
		values = k.other.values
	}
	return find(values, key)
}

// Context returns a detached Context of the request, made anew by each call: see Context.Detach. Any goroutine may call it.
func (k *Kept) Context() *Context {
	if k.other != nil {
		return k.other.Detach()
	}
	d := &Context{server: k.server, base: k.server.base, wire: noWire{}, route: k.route, detached: true, params: k.params}
	d.values = append(d.values, k.values...)
	d.exchange.raw = k.raw
	d.exchange.head.Parse(k.raw, &k.server.headLimits) // as it was parsed before
	d.Request.c, d.Response.c = d, d
	d.Request.info, d.Request.buffered = k.info, true
	return d
}
