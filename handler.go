package hyperlane

// handle serves c, unless there are too many requests in flight: then the answer says so. Request middleware, which may ask the very
// database that is the cause of all this, does not run then.
func (s *Server) handle(c *Context) {
	limit := int64(s.config.MaxInFlight)
	if limit == 0 {
		s.serve(c)
		return
	}
	defer s.inFlight.Add(-1)
	if s.inFlight.Add(1) <= limit {
		s.serve(c)
		return
	}
	s.cells.shed.Add(1)
	c.route = s.builtin.overloaded
	c.Response.SetHeader("Retry-After", "1")
	c.Response.problem(c, errOverloaded)
	s.respond(c)
}

// serve takes a routed request through its phases: request middleware, middleware and handler, response middleware. When it
// returns, the response is set or has been streamed; the caller sends what is left of it.
//
//	server OnRequest -> group OnRequest (outer to inner) -> middleware -> handler
//	-> group OnResponse (inner to outer) -> server OnResponse
//
// Every piece of the user's code runs under guard, so a panic is an error of its request.
func (s *Server) serve(c *Context) {
	if err := guard(c, s.answer); err != nil {
		s.fail(c, err)
	}
	s.respond(c)
}

// answer is the part that an error ends.
func (s *Server) answer(c *Context) error {
	for _, h := range s.request {
		if err := h(c); err != nil || c.aborted {
			return err
		}
	}
	r := c.route
	for _, h := range r.request {
		if err := h(c); err != nil || c.aborted {
			return err
		}
	}
	if r.maxBody > 0 {
		if err := c.Request.limitBody(r.maxBody); err != nil {
			return err
		}
	}
	if s.config.HandlerTimeout > 0 && r.group != nil { // what the server answers by itself takes no time
		return runWithin(c, s.config.HandlerTimeout, r.run)
	}
	return r.run(c)
}

// respond runs the response phase, once: before the head leaves. An error in it replaces the answer; the rest of the phase still runs.
func (s *Server) respond(c *Context) {
	if c.responded {
		return
	}
	c.responded = true
	for _, h := range c.route.response {
		s.respondWith(c, h)
	}
	for _, h := range s.response {
		s.respondWith(c, h)
	}
	if err := c.Response.mistake; err != nil {
		c.Response.mistake = nil
		s.fail(c, err)
	}
}

func (s *Server) respondWith(c *Context, h Handler) {
	if err := guard(c, h); err != nil {
		s.fail(c, err)
	}
}
