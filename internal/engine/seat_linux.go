//go:build !386

package engine

import "sync"

// seat is what a goroutine needs to run turns. It belongs to that goroutine and stays with it when the loop is taken away,
// because foreign code may still look into its buffers.
type seat struct {
	turn Turn
	conn *loopConn // whose turn runs, for the case that foreign code ends the goroutine

	in  []byte  // what a leader reads into; a goroutine off the loop has none
	out []byte  // what answers are appended to
	own *buffer // holds the turn's input where that is not in

	restart  bool // the turn has completed a message
	switched bool // the turn has given the connection to another protocol

	loop       *loop  // that it leads, or has led; nil off the loop
	leads      bool   // as far as the goroutine knows; see loop.phase
	overstayed bool   // the monitor took the loop away since Enter
	phase      uint64 // the loop's phase as this leader last set it
}

// keepOut is the capacity beyond which an output buffer is dropped.
const keepOut = 64 << 10

// leaderSeats have a read buffer, awaySeats have none.
var leaderSeats, awaySeats sync.Pool

func takeLeaderSeat(readBuffer int) *seat {
	s, ok := leaderSeats.Get().(*seat)
	if !ok || len(s.in) != readBuffer {
		s = &seat{in: make([]byte, readBuffer), out: make([]byte, 0, 16<<10)}
	}
	return s
}

func takeAwaySeat() *seat {
	if s, ok := awaySeats.Get().(*seat); ok {
		return s
	}
	return new(seat)
}

// give returns the seat to where it came from.
func (s *seat) give() {
	s.own.give()
	*s = seat{in: s.in, out: s.out}
	if s.in != nil {
		leaderSeats.Put(s)
		return
	}
	awaySeats.Put(s)
}

// begin prepares the turn of c.
func (s *seat) begin(c *loopConn) *Turn {
	t := &s.turn
	s.conn, c.seat = c, s
	s.overstayed, s.restart, s.switched = false, false, false
	t.conn = &c.Conn
	t.Out = s.out[:0]
	t.Err = nil
	return t
}

// end takes what the turn has left behind.
func (s *seat) end() {
	t := &s.turn
	if cap(t.Out) <= keepOut && cap(t.Out) > 0 {
		s.out = t.Out[:0]
	}
	s.conn = nil
	t.In, t.Out, t.base = nil, nil, nil
}

// rest returns the turn's unconsumed input in a buffer that the connection can keep, or nil if there is none.
func (s *seat) rest() *buffer {
	in := s.turn.In
	own := s.own
	s.own = nil
	if len(in) == 0 {
		own.give()
		return nil
	}
	if own == nil || cap(own.b) > 4*len(in) && cap(own.b) > 1<<smallestBuffer {
		kept := takeBuffer(len(in))
		kept.b = append(kept.b, in...)
		own.give()
		return kept
	}
	n := copy(own.b[:cap(own.b)], in)
	own.b = own.b[:n]
	return own
}

// room makes space behind the turn's input: at the front of its buffer if that is free, else in one twice as large, so that
// memory follows what has arrived and not what was announced.
func (s *seat) room() []byte {
	t := &s.turn
	if len(t.In) == 0 {
		t.base = t.base[:0]
	}
	if free := cap(t.base) - len(t.base); free > 0 && free >= cap(t.base)/4 {
		return t.base[len(t.base):cap(t.base)]
	}
	if len(t.In) > 0 && len(t.In) <= cap(t.base)/2 {
		t.base = t.base[:copy(t.base[:cap(t.base)], t.In)]
		t.In = t.base
		return t.base[len(t.base):cap(t.base)]
	}
	grown := takeBuffer(max(2*cap(t.base), 4<<10))
	grown.b = append(grown.b, t.In...)
	s.own.give()
	s.own, t.base = grown, grown.b
	t.In = t.base
	return t.base[len(t.base):cap(t.base)]
}

// grow takes in n bytes that were read into room.
func (t *Turn) grow(n int) {
	start := len(t.base) - len(t.In)
	t.base = t.base[:len(t.base)+n]
	t.In = t.base[start:]
}
