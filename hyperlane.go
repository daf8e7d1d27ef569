// Package hyperlane is a web framework with an engine of its own: a request costs little more than the kernel charges for it, and a
// handler is ordinary blocking Go.
//
//	server := hyperlane.New(hyperlane.Config{})
//	server.Get("/hello/{name}", func(c *hyperlane.Context) error {
//		return c.Text("Hello, " + c.Param("name") + "!\n")
//	})
//	err := server.Run(ctx, ":8080")
//
// # Requests
//
// A [Context] carries a request from the socket to the answer: c.Request is what was asked, c.Response what will be answered,
// and the methods of Context are shortcuts for what every handler does. A request takes this way:
//
//	server OnRequest -> routing -> group OnRequest (outer to inner) -> middleware -> handler
//	-> group OnResponse (inner to outer) -> server OnResponse -> the head leaves -> OnFinish
//
// Request and response middleware (OnRequest, OnResponse) are phases that no handler can skip: use them for what must always happen.
// [Middleware] wraps (Use): take it where one piece of code needs both sides of a call.
//
// # Patterns
//
//	/static          {name}              {name:int}            named constraints, see Server.Constraint
//	                 {name:[a-z]+}       {path...}             RE2, anchored; the rest of the path
//
// The most specific pattern wins that has a route for the method: static, named constraint, regular expression, any segment, rest; the
// order of registration never matters. A segment may hold text around a param, as in /{name}.html, and a regular expression braces that
// come in pairs. Where routes fit for other methods only the answer is 405 with Allow; OPTIONS is answered 204, HEAD as GET. Two patterns
// that nothing can tell apart are a mistake that Run reports, with both places.
//
// # Values and answers
//
// [Param], [Query], [Header] and [Form] return one value of a request as a Go value, [Bind] a whole request as a struct, validated; their
// errors are for the handler to return. c.JSON, c.Text, c.Template, c.File and their like set content type and body, leave
// the status as it was set, 200 if it was not, and return an error for the handler to return: return c.Status(201).JSON(order).
// c.Stream sends a body in pieces. A handler that sets nothing answers 200 with an empty body.
//
// # Errors
//
// A handler returns an error. [Errorf] gives it a status; any other is a 500 whose text goes to the log and never to the client. A
// panic is a 500, too, and ends nothing but its request. The answer to an error has its own status, body and content type; other fields
// that were set stay (WWW-Authenticate, a request id).
//
// # Guarantees
//
//   - Strings and slices from getters are the caller's to keep. A method whose name ends in View returns a view that ends with the
//     handler.
//   - A handler may sleep, lock and wait; other connections go on.
//   - When the client goes away, c.Context() ends.
//   - http.Handler and its middleware work unchanged, see [FromHTTP]; a [Server] is an http.Handler.
//
// Package hyperlanetest tests a server without a port. The guide is in docs/guide.
package hyperlane
