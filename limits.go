package hyperlane

import "cmp"

// Limits bound what one request may hold. They can be raised, but not taken away. Framing is strict under all of them.
type Limits struct {
	// Head is bytes of the request line and all fields together; beyond it the answer is 431. 0 is 16 KiB.
	Head int
	// Target is bytes of the request target, which is path and query; beyond it the answer is 414. 0 is 8 KiB, or Head.
	Target int
	// Fields is how many fields a head may have, and a trailer; beyond it the answer is 431. 0 is 100.
	Fields int
	// Field is bytes of one field, name and value; beyond it the answer is 431. 0 is 8 KiB, or Head.
	Field int

	// Body is bytes of a whole body, as it comes; beyond it the answer is 413. 0 is 4 MiB.
	Body int64
	// BufferedBody is bytes: a body that declares no more is read before its handler runs, a larger one while it runs.
	// 0 is 64 KiB, or Body.
	BufferedBody int

	// MultipartMemory is bytes of a multipart form that are kept in memory. Beyond it files go to disk, and for values the
	// answer is 413. 0 is 1 MiB.
	MultipartMemory int
	// MultipartDisk is bytes of a multipart form that may lie on disk until the request ends; beyond it the answer is 413.
	// Body bounds the form as a whole, too. 0 is 64 MiB. Negative: nothing goes to disk.
	MultipartDisk int64
	// MultipartParts is how many parts a multipart form may have; beyond it the answer is 413. 0 is 1000.
	MultipartParts int

	// Outbox is bytes that may wait to leave one connection after its upgrade, because its peer is slow. Beyond it Conn.Send
	// fails, unless nothing waits yet: one message finds room, however large. 0 is 1 MiB.
	Outbox int
}

// DefaultLimits are right for pages, APIs and small uploads. The zero Limits are the same.
func DefaultLimits() Limits {
	return Limits{
		Head: 16 << 10, Target: 8 << 10, Fields: 100, Field: 8 << 10,
		Body: 4 << 20, BufferedBody: 64 << 10,
		MultipartMemory: 1 << 20, MultipartDisk: 64 << 20, MultipartParts: 1000,
		Outbox: 1 << 20,
	}
}

// StrictLimits are for a server that strangers talk to and that expects small messages only. No form goes to disk.
func StrictLimits() Limits {
	return Limits{
		Head: 8 << 10, Target: 4 << 10, Fields: 50, Field: 4 << 10,
		Body: 1 << 20, BufferedBody: 16 << 10,
		MultipartMemory: 256 << 10, MultipartDisk: -1, MultipartParts: 50,
		Outbox: 256 << 10,
	}
}

// GenerousLimits are for clients that one knows: long targets, fat fields, uploads of a gibibyte.
func GenerousLimits() Limits {
	return Limits{
		Head: 128 << 10, Target: 64 << 10, Fields: 500, Field: 64 << 10,
		Body: 1 << 30, BufferedBody: 1 << 20,
		MultipartMemory: 8 << 20, MultipartDisk: 1 << 30, MultipartParts: 10000,
		Outbox: 8 << 20,
	}
}

// withDefaults returns l with DefaultLimits where it is zero. A part's default never exceeds the whole that was asked for.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	l.Head = cmp.Or(l.Head, d.Head)
	l.Target = cmp.Or(l.Target, min(d.Target, l.Head))
	l.Fields = cmp.Or(l.Fields, d.Fields)
	l.Field = cmp.Or(l.Field, min(d.Field, l.Head))
	l.Body = cmp.Or(l.Body, d.Body)
	l.BufferedBody = cmp.Or(l.BufferedBody, int(min(int64(d.BufferedBody), l.Body)))
	l.MultipartMemory = cmp.Or(l.MultipartMemory, d.MultipartMemory)
	l.MultipartDisk = cmp.Or(l.MultipartDisk, d.MultipartDisk)
	l.MultipartParts = cmp.Or(l.MultipartParts, d.MultipartParts)
	l.Outbox = cmp.Or(l.Outbox, d.Outbox)
	return l
}
