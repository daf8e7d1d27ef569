// Package sse sends event streams, which browsers read with EventSource and everybody else with any HTTP client ("Server-sent events" in
// WHATWG's HTML standard). A handler that has something to say says it:
//
//	server.Get("/countdown", func(c *hyperlane.Context) error {
//		return sse.Serve(c, sse.Config{}, func(s *sse.Stream) error {
//			for n := range 10 {
//				if err := s.Send(sse.Event{Data: strconv.Itoa(10 - n)}); err != nil {
//					return err
//				}
//				select {
//				case <-time.After(time.Second):
//				case <-s.Context().Done():
//					return s.Context().Err()
//				}
//			}
//			return nil
//		})
//	})
//
// What many are to hear is published to a topic, to which streams subscribe:
//
//	hub := broadcast.NewHub(broadcast.HubConfig{})
//	source := sse.NewSource(hub, sse.Config{})
//	server.Get("/news", func(c *hyperlane.Context) error {
//		return source.Subscribe(c, broadcast.TopicOf("news"), broadcast.As{})
//	})
//
// and elsewhere
//
//	hub.Publish(ctx, broadcast.TopicOf("news"), broadcast.Publication{Name: "headline", Data: []byte("It works")})
//
// # The two styles
//
// With [Serve] a handler blocks for as long as its stream lasts, and has a goroutine meanwhile. With [Source.Subscribe] it returns at once:
// the stream lives on as a subscriber of its topic. It has no goroutine, no timer and no buffer while nothing is sent, on the event loop;
// on the blocking driver and over HTTP/2 its connection has a goroutine anyway.
//
// # Coming back
//
// Each event of a topic with a history has the text of its [broadcast.Position] as its id. A client that comes back with it, as EventSource
// does by the field Last-Event-ID, gets exactly what it missed. If that cannot be told, because the history does not reach back so far, or
// because the id was never one of this topic, it gets an event named [UnrecoverableEvent] instead, and then what is new: it should load
// anew what it shows. Others can bring the id as the query parameter lastEventId.
//
// # Guarantees
//
//   - What is sent is a well-formed event, or an error: a line break in a name, say, never becomes an event of its own.
//   - Each event leaves at once.
//   - A client that has gone ends its stream: the context of a [Stream], the subscription of a Source's. A shutdown of the server ends
//     streams in an orderly way.
//   - A client that is slow costs Config.Buffer at most, and the policy of its topic (broadcast.Rules.Lag) says what it misses. It is told
//     how much, by an event named [MissedEvent]. One that takes nothing for the server's WriteTimeout is disconnected.
//   - A stream never says nothing for longer than Config.Heartbeat, so that both ends, and what is between them, can tell that it is
//     alive.
//   - An event of a topic is encoded once, however many streams get it.
//
// The response has Content-Type: text/event-stream, X-Accel-Buffering: no, which asks reverse proxies not to buffer, and Cache-Control:
// no-store, unless the handler has set another: what was said to one client at one time is of no use to anybody later.
package sse
