// Package hyperlanetest tests servers of package hyperlane, without a port:
//
//	func TestGreeting(t *testing.T) {
//		c := hyperlanetest.New(t, newServer())
//		c.Get("/hello/world").Status(200).Header("Content-Type", "text/plain; charset=utf-8").Body("Hello, world!")
//		c.Post("/greetings", greeting{"Hi"}).Status(201).JSON(greeting{"Hi"})
//		c.Get("/nowhere").Problem(404, "")
//	}
//
// # Clients
//
// A [Client] sends real HTTP/1.1 over a connection in memory, so the test goes through all that a request goes through. Checks chain, and
// say what was asked, what came and what was wanted. What they do not cover, [Client.HTTP] and [Client.Dial] do.
//
// # Drivers
//
// [Each] runs a test on every driver that a server has. It is meant for code that goes below handlers: middleware that streams,
// protocols after an upgrade.
//
//	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
//		c := d.Serve(t, hyperlane.Config{}, func(server *hyperlane.Server) { server.Any("/echo", echo) })
//		...
//	})
//
// # The end
//
// A server ends with its test. A test fails if its server does not shut down, or leaves a goroutine behind: also one that a
// handler has started. Nothing waits for longer than ten seconds.
package hyperlanetest
