package hyperlane_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A wireDriver is one way into the server under test: "loop", "blocking" or "nethttp".
type wireDriver struct {
	name string
	// dial opens a new connection to the server. It is called from many goroutines at once; the caller closes the
	// connection. If it has a CloseWrite method, as *net.TCPConn has, the cases with half-close run too.
	dial func() (net.Conn, error)
	// borrowed says that net/http reads the bytes and not our parser: cases marked own-framing are left out, and
	// refusals may lack a Date.
	borrowed bool
}

// wireDrivers starts the server under test, with the routes and limits of testdata/http1/README.md, and returns
// every way into it. It ends what it started in t.Cleanup. It lives in wire_target_test.go.
var _ func(t *testing.T) []wireDriver = wireDrivers

const (
	wireTimeout  = 5 * time.Second       // for anything that must happen
	wireSilence  = 20 * time.Millisecond // for what must not happen, at a pause
	wireGap      = time.Millisecond      // between two writes that the server should see apart
	wireShort    = 600                   // bytes; a longer case is not sent byte by byte
	wireLong     = 64 << 10              // bytes; a longer case is split at few places
	wireSplits   = 8                     // places at which a case is split in two, at most
	wireParallel = 64                    // conversations at a time
)

// The last request of every conversation that leaves the connection open. It asks to close, so that nothing can
// hide behind its answer.
const wireFollowUp = "GET /plaintext HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

// TestWire holds every conversation of testdata/http1 with every driver, however the bytes arrive.
func TestWire(t *testing.T) {
	cases := loadWireCases(t)
	for _, d := range wireDrivers(t) {
		t.Run(d.name, func(t *testing.T) { d.run(t, cases) })
	}
}

// run starts all conversations at once and reports them case by case.
func (d wireDriver) run(t *testing.T, cases []*wireCase) {
	conn, err := d.dial()
	if err != nil {
		t.Fatal(err)
	}
	_, halfCloses := conn.(interface{ CloseWrite() error })
	conn.Close()

	leftOut := make(map[string]int) // reason -> cases
	ran, conversations := 0, 0
	verdicts := make([]*wireVerdict, len(cases))
	room := make(chan struct{}, wireParallel)
	for i, c := range cases {
		reason := ""
		if d.borrowed && c.ownFraming != "" {
			reason = "own-framing: " + c.ownFraming
		} else if !halfCloses && slices.ContainsFunc(c.steps, func(s wireStep) bool { return s.halfClose }) {
			reason = "this driver's connections cannot be half closed"
		}
		if reason != "" {
			leftOut[reason]++
			verdicts[i] = &wireVerdict{leftOut: reason}
			continue
		}
		ran++
		verdicts[i] = c.start(d, room)
		conversations += len(verdicts[i].errs)
	}
	for file, group := range wireByFile(cases) {
		t.Run(file, func(t *testing.T) {
			for _, i := range group {
				c := cases[i]
				t.Run(c.name, func(t *testing.T) {
					v := verdicts[i]
					if v.leftOut != "" {
						t.Skip(v.leftOut)
					}
					if failed, first := v.wait(); failed > 0 {
						t.Errorf("testdata/http1/%s.txt:%d: %s\n%s: %s\n%d of %d deliveries fail; the first: %v",
							c.file, c.line, c.name, c.section, c.reason, failed, len(v.errs), first)
					}
				})
			}
		})
	}
	for _, v := range verdicts { // those that -run passed over too: the server must outlive them
		if v.leftOut == "" {
			v.talks.Wait()
		}
	}
	t.Logf("%s: %d of %d cases ran, in %d conversations", d.name, ran, len(cases), conversations)
	for _, reason := range slices.Sorted(maps.Keys(leftOut)) {
		t.Logf("%s: left out %d: %s", d.name, leftOut[reason], reason)
	}
}

// wireByFile yields the files in order, with the indexes of their cases.
func wireByFile(cases []*wireCase) func(yield func(string, []int) bool) {
	return func(yield func(string, []int) bool) {
		for i := 0; i < len(cases); {
			var group []int
			file := cases[i].file
			for ; i < len(cases) && cases[i].file == file; i++ {
				group = append(group, i)
			}
			if !yield(file, group) {
				return
			}
		}
	}
}

// A wireVerdict is what became of one case with one driver.
type wireVerdict struct {
	leftOut string // the reason, if it was not held at all
	errs    []error
	talks   sync.WaitGroup
}

// wait returns how many deliveries failed, and how the first of them did.
func (v *wireVerdict) wait() (failed int, first error) {
	v.talks.Wait()
	for _, err := range v.errs {
		if err != nil {
			failed++
			first = cmp.Or(first, err)
		}
	}
	return failed, first
}

// start holds the conversation once for every delivery, each as soon as there is room.
func (c *wireCase) start(d wireDriver, room chan struct{}) *wireVerdict {
	deliveries := c.deliveries()
	v := &wireVerdict{errs: make([]error, len(deliveries))}
	for i, cuts := range deliveries {
		v.talks.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			v.errs[i] = c.hold(d, cuts)
		})
	}
	return v
}

// deliveries returns the ways to send the case, each as the offsets at which a write ends early: none, one of
// several, and all of them.
func (c *wireCase) deliveries() [][]int {
	ways := [][]int{nil}
	n := 0
	var places []int
	for _, s := range c.steps {
		for i := 0; ; {
			end := bytes.Index(s.send[i:], []byte("\r\n"))
			if end < 0 || len(places) > 1000 {
				break
			}
			i += end + 1
			places = append(places, n+i) // between CR and LF
		}
		n += len(s.send)
	}
	places = append(places, 1, n/2, n-1)
	slices.Sort(places)
	places = slices.Compact(places)
	splits := min(len(places), wireSplits)
	if n > wireLong {
		splits = 3
	}
	for i := range splits {
		ways = append(ways, []int{places[i*len(places)/splits]})
	}
	if n <= wireShort {
		every := make([]int, n-1)
		for i := range every {
			every[i] = i + 1
		}
		ways = append(ways, every)
	}
	return ways
}

// describeCuts names a delivery.
func describeCuts(cuts []int) string {
	switch len(cuts) {
	case 0:
		return "in one write"
	case 1:
		return fmt.Sprintf("split after byte %d", cuts[0])
	}
	return "byte by byte"
}

// hold holds the conversation once, on a connection of its own.
func (c *wireCase) hold(d wireDriver, cuts []int) error {
	conn, err := d.dial()
	if err != nil {
		return err
	}
	talk := newWireTalk(conn)
	defer talk.close()
	talk.borrowed = d.borrowed
	if err := c.play(talk, cuts); err != nil {
		return fmt.Errorf("sent %s, %w\nreceived %s", describeCuts(cuts), err, quoteWire(append(talk.log, talk.buf...)))
	}
	return nil
}

// play goes through the steps, and then finds out what became of the connection.
func (c *wireCase) play(talk *wireTalk, cuts []int) error {
	sent := 0
	var last *wireResponse // the last final one
	for i, s := range c.steps {
		switch {
		case s.send != nil:
			talk.send(s.send, sent, cuts)
			sent += len(s.send)
		case s.pause:
			if talk.wait(wireSilence) {
				return fmt.Errorf("at the pause: the server said something")
			}
		case s.halfClose:
			if err := talk.conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil && !talk.broken {
				return err
			}
		default:
			r, err := talk.head()
			if s.expect.maybe {
				if err == io.EOF {
					continue
				}
				if err == nil && !slices.Contains(s.expect.statuses, r.status) {
					if i+1 == len(c.steps) {
						return fmt.Errorf("line %d: got status %d, want %v or nothing", s.expect.line, r.status, s.expect.statuses)
					}
					talk.unread = r
					continue
				}
			}
			if err == nil {
				err = talk.finish(r, s.expect)
			}
			if err != nil {
				return fmt.Errorf("line %d: %w", s.expect.line, err)
			}
			if r.status < 200 {
				continue
			}
			if last != nil && last.announcesClose() {
				return fmt.Errorf("line %d: a response after the one that said close", s.expect.line)
			}
			last = r
		}
	}
	return c.ending.check(talk, last)
}

// check proves that the connection is closed, or that it still serves a request, and that nothing else was sent.
func (e wireEnding) check(talk *wireTalk, last *wireResponse) error {
	announced := last != nil && last.announcesClose()
	if e == wireOpenOrClosed {
		e = wireOpen
		if announced {
			e = wireClosed
		}
	}
	if e == wireClosed && !announced {
		return fmt.Errorf("the last response does not say that the connection closes")
	}
	if e == wireOpen {
		if announced {
			return fmt.Errorf("the last response says that the connection closes")
		}
		talk.send([]byte(wireFollowUp), 0, nil)
		expect := &wireExpect{statuses: []int{200}, body: []byte("Hello, World!"), hasBody: true}
		r, err := talk.head()
		if err == nil {
			err = talk.finish(r, expect)
		}
		if err != nil {
			return fmt.Errorf("the connection should be open, but the next request: %w", err)
		}
	}
	_, err := talk.next()
	if err == nil {
		return fmt.Errorf("the server sent more than it should")
	}
	if err != io.EOF {
		return fmt.Errorf("the connection should be closed: %w", err)
	}
	return nil
}

// A wireTalk is the client's end of one conversation. It belongs to one goroutine; a second one only collects what
// arrives, because a client that never reads while it writes may wait forever for a server that does the same.
type wireTalk struct {
	conn     net.Conn
	borrowed bool
	broken   bool          // a write failed: the server has closed
	unread   *wireResponse // a head that was read too early
	buf      []byte        // arrived and not yet parsed
	log      []byte        // what was taken from buf, without the bulk of large bodies

	news    chan struct{} // there is something new in arrived or ended
	stopped chan struct{}
	mu      sync.Mutex
	arrived []byte
	ended   bool
}

func newWireTalk(conn net.Conn) *wireTalk {
	w := &wireTalk{conn: conn, news: make(chan struct{}, 1), stopped: make(chan struct{})}
	go w.collect()
	return w
}

func (w *wireTalk) collect() {
	defer close(w.stopped)
	chunk := make([]byte, 32<<10)
	for {
		n, err := w.conn.Read(chunk)
		w.mu.Lock()
		w.arrived = append(w.arrived, chunk[:n]...)
		w.ended = err != nil // FIN and RST alike: the server is done with us
		w.mu.Unlock()
		select {
		case w.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (w *wireTalk) close() {
	w.conn.Close()
	<-w.stopped
}

// send writes b, which begins at the given offset of all that is sent, and ends a write at each of the cuts. A
// server that has made up its mind may close before it has heard everything: what follows then shows if it may.
func (w *wireTalk) send(b []byte, offset int, cuts []int) {
	w.conn.SetWriteDeadline(time.Now().Add(wireTimeout))
	start := 0
	for _, cut := range append(slices.Clone(cuts), offset+len(b)) {
		end := cut - offset
		if end <= start || end > len(b) {
			continue
		}
		if !w.broken {
			_, err := w.conn.Write(b[start:end])
			w.broken = err != nil
		}
		start = end
		if start < len(b) && !w.broken {
			w.gap()
		}
	}
}

// gap gives the server time to take what was written.
func (w *wireTalk) gap() {
	select {
	case <-w.news:
		w.take()
	case <-time.After(wireGap):
	}
}

// take moves what arrived to buf and reports whether the server has closed.
func (w *wireTalk) take() (ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.buf) == 0 {
		w.buf, w.arrived = w.arrived, nil
	} else {
		w.buf = append(w.buf, w.arrived...)
		w.arrived = w.arrived[:0]
	}
	return w.ended
}

// wait reports whether the server says something, or closes, within d.
func (w *wireTalk) wait(d time.Duration) bool {
	before := len(w.buf)
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	for {
		if ended := w.take(); ended || len(w.buf) > before {
			return true
		}
		select {
		case <-w.news:
		case <-deadline.C:
			return false
		}
	}
}

// fill waits until buf holds more than it does. Its error is io.EOF when nothing more will come.
func (w *wireTalk) fill() error {
	before := len(w.buf)
	if !w.wait(wireTimeout) {
		return fmt.Errorf("nothing arrived for %v", wireTimeout)
	}
	if len(w.buf) == before {
		return io.EOF
	}
	return nil
}

// next returns the next byte without taking it.
func (w *wireTalk) next() (byte, error) {
	for len(w.buf) == 0 {
		if err := w.fill(); err != nil {
			return 0, err
		}
	}
	return w.buf[0], nil
}

// bytes takes the next n bytes.
func (w *wireTalk) bytes(n int) ([]byte, error) {
	for len(w.buf) < n {
		if err := w.fill(); err != nil {
			return nil, fmt.Errorf("%d of %d bytes: %w", len(w.buf), n, noEOF(err))
		}
	}
	b := w.buf[:n:n]
	w.buf = w.buf[n:]
	if n > 100 {
		w.log = fmt.Appendf(append(w.log, b[:50]...), "[%d bytes]", n-50)
	} else {
		w.log = append(w.log, b...)
	}
	return b, nil
}

// nextLine takes a line, which must end with CRLF and hold no other CR or LF.
func (w *wireTalk) nextLine() (string, error) {
	for {
		if i := bytes.IndexByte(w.buf, '\n'); i >= 0 {
			b, err := w.bytes(i + 1)
			if err != nil {
				return "", err
			}
			line, ok := bytes.CutSuffix(b, []byte("\r\n"))
			if !ok || bytes.ContainsAny(line, "\r\n\x00") {
				return "", fmt.Errorf("a malformed line: %q", b)
			}
			return string(line), nil
		}
		if len(w.buf) > 64<<10 {
			return "", fmt.Errorf("a line without end")
		}
		if err := w.fill(); err != nil {
			return "", fmt.Errorf("in a line: %w", noEOF(err))
		}
	}
}

// noEOF keeps the end in the middle of something from looking like the end.
func noEOF(err error) error {
	if err == io.EOF {
		return errors.New("the server closed in the middle of a response")
	}
	return err
}

// A wireResponse is a response as it came, in no way improved.
type wireResponse struct {
	proto      string
	status     int
	fields     []wireField
	body       []byte
	untilClose bool // the body ends with the connection
}

type wireField struct{ name, value string }

// values returns the values of all fields with the name.
func (r *wireResponse) values(name string) []string {
	var values []string
	for _, f := range r.fields {
		if strings.EqualFold(f.name, name) {
			values = append(values, f.value)
		}
	}
	return values
}

// hasToken reports whether the list in the named fields has the token.
func (r *wireResponse) hasToken(name, token string) bool {
	for _, value := range r.values(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.Trim(part, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// announcesClose reports whether the client must not expect another response.
func (r *wireResponse) announcesClose() bool {
	return r.untilClose || r.hasToken("Connection", "close") ||
		r.proto == "HTTP/1.0" && !r.hasToken("Connection", "keep-alive")
}

var (
	wireStatusLine = regexp.MustCompile(`^(HTTP/1\.[01]) ([1-5][0-9][0-9]) [\t -~]*$`)
	wireFieldLine  = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[!-~](?:[\t -~]*[!-~])?)?)[ \t]*$")
	wireChunkSize  = regexp.MustCompile(`^[0-9a-fA-F]{1,8}$`)
)

// head reads a status line and fields. Its error is io.EOF if the connection ends where a response could begin.
func (w *wireTalk) head() (*wireResponse, error) {
	if r := w.unread; r != nil {
		w.unread = nil
		return r, nil
	}
	if _, err := w.next(); err != nil {
		return nil, err
	}
	line, err := w.nextLine()
	if err != nil {
		return nil, err
	}
	m := wireStatusLine.FindStringSubmatch(line)
	if m == nil {
		return nil, fmt.Errorf("not a status line: %q", line)
	}
	r := &wireResponse{proto: m[1]}
	r.status, _ = strconv.Atoi(m[2])
	r.fields, err = w.fields()
	return r, err
}

// fields reads field lines up to the empty line.
func (w *wireTalk) fields() ([]wireField, error) {
	var fields []wireField
	for {
		line, err := w.nextLine()
		if err != nil || line == "" {
			return fields, err
		}
		m := wireFieldLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("not a field: %q", line)
		}
		fields = append(fields, wireField{m[1], m[2]})
	}
}

// finish reads the body of r and compares r with what is expected of it, and of every response.
func (w *wireTalk) finish(r *wireResponse, e *wireExpect) error {
	if !slices.Contains(e.statuses, r.status) {
		return fmt.Errorf("got status %d, want %v", r.status, e.statuses)
	}
	if err := r.obeys(e, w.borrowed); err != nil {
		return fmt.Errorf("status %d: %w", r.status, err)
	}
	if err := w.body(r, e.head); err != nil {
		return fmt.Errorf("the body of status %d: %w", r.status, err)
	}
	if e.hasBody && !bytes.Equal(r.body, e.body) {
		return fmt.Errorf("got body %s, want %s", quoteWire(r.body), quoteWire(e.body))
	}
	for _, check := range e.checks {
		if !check.ok(r) {
			return fmt.Errorf("want %q, got the fields %q and %d bytes of body", check.text, r.fields, len(r.body))
		}
	}
	return nil
}

// obeys checks what the RFCs ask of every response, so that no case has to.
func (r *wireResponse) obeys(e *wireExpect, borrowed bool) error {
	lengths, codings := r.values("Content-Length"), r.values("Transfer-Encoding")
	switch {
	case r.proto != "HTTP/1.1" && !e.old: // RFC 9110 6.2
		return fmt.Errorf("the version is %s", r.proto)
	case len(lengths) > 1 || len(codings) > 1 || len(lengths)+len(codings) > 1: // RFC 9112 6.2
		return fmt.Errorf("more than one length: %q", r.fields)
	case len(codings) == 1 && (e.old || codings[0] != "chunked"): // RFC 9112 6.1
		return fmt.Errorf("Transfer-Encoding: %s", codings[0])
	case (r.status < 200 || r.status == 204) && len(lengths)+len(codings) > 0: // RFC 9110 8.6, RFC 9112 6.1
		return fmt.Errorf("a length where no body can be: %q", r.fields)
	case r.status == 405 && len(r.values("Allow")) == 0: // RFC 9110 15.5.6
		return fmt.Errorf("no Allow")
	case r.status < 200:
		return nil
	}
	// RFC 9110 6.6.1: a server with a clock MUST generate Date in all 2xx, 3xx and 4xx.
	dates := r.values("Date")
	if len(dates) > 1 || len(dates) == 0 && r.status < 500 && !(borrowed && r.status >= 400) {
		return fmt.Errorf("%d Date fields", len(dates))
	}
	if len(dates) == 1 {
		if _, err := time.Parse(http.TimeFormat, dates[0]); err != nil {
			return err
		}
	}
	return nil
}

// body reads the body of r as RFC 9112 6.3 says.
func (w *wireTalk) body(r *wireResponse, answersHead bool) error {
	lengths, codings := r.values("Content-Length"), r.values("Transfer-Encoding")
	if answersHead || r.status < 200 || r.status == 204 || r.status == 304 {
		return nil
	}
	if len(codings) > 0 {
		return w.chunks(r)
	}
	if len(lengths) > 0 {
		n, err := strconv.ParseUint(lengths[0], 10, 31)
		if err == nil {
			r.body, err = w.bytes(int(n))
		}
		return err
	}
	r.untilClose = true
	for {
		switch err := w.fill(); {
		case err == io.EOF:
			body, err := w.bytes(len(w.buf))
			r.body = body
			return err
		case err != nil:
			return err
		}
	}
}

// chunks reads a chunked body with its trailer fields.
func (w *wireTalk) chunks(r *wireResponse) error {
	for {
		line, err := w.nextLine()
		if err != nil {
			return err
		}
		if !wireChunkSize.MatchString(line) {
			return fmt.Errorf("not a chunk size: %q", line)
		}
		n, _ := strconv.ParseUint(line, 16, 32)
		if n == 0 {
			_, err := w.fields()
			return err
		}
		data, err := w.bytes(int(n))
		if err != nil {
			return err
		}
		r.body = append(r.body, data...)
		if end, err := w.bytes(2); err != nil || string(end) != "\r\n" {
			return fmt.Errorf("chunk data ends with %q, %v", end, err)
		}
	}
}

// quoteWire shows bytes, shortened at the end.
func quoteWire(b []byte) string {
	if len(b) > 1000 {
		return fmt.Sprintf("%q and %d bytes more", b[:1000], len(b)-1000)
	}
	return fmt.Sprintf("%q", b)
}

// The suite itself is held to account: each of these servers makes one mistake, and the runner must notice.
func TestWireNoticesAServerThat(t *testing.T) {
	const (
		date = "Date: Mon, 02 Jan 2006 15:04:05 GMT\r\n"
		good = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n" + date + "\r\nHello, World!"
		bye  = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 13\r\n" + date + "\r\nHello, World!"
		bad  = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n" + date + "\r\n"
	)
	const open, closed = "< 200\n<< Hello, World!\nopen\n", "< 400\nclosed\n"
	for _, test := range []struct {
		mistake string // completes the name of the test
		answers string // all that the server sends, before it closes
		wants   string // the expectations of the case
		notices string // what the runner says; empty if the server is right
	}{
		{"does all right", good + bye, open, ""},
		{"refuses as it should", bad, closed, ""},
		{"closes instead of staying open", good, open, "the next request: EOF"},
		{"says close and stays open", bye + bye, open, "says that the connection closes"},
		{"stays open instead of closing", bad + good, closed, "more than it should"},
		{"closes without a word", strings.Replace(bad, "Connection: close\r\n", "", 1), closed, "does not say"},
		{"answers twice", good + good + bye, open, "more than it should"},
		{"answers with another status", good, closed, "got status 200, want [400]"},
		{"answers with another body", strings.ToLower(good), open, "not a status line"},
		{"sends a byte too many", good + "!" + bye, open, "not a status line"},
		{"sends a byte too few", good[:len(good)-1], open, "12 of 13 bytes"},
		{"ends lines with LF", strings.ReplaceAll(good, "\r\n", "\n"), open, "a malformed line"},
		{"sends no Date", strings.ReplaceAll(good, date, ""), open, "0 Date fields"},
		{"sends two Dates", strings.ReplaceAll(good, date, date+date), open, "2 Date fields"},
		{"sends a Date of its own make", strings.ReplaceAll(good, "GMT", "CET"), open, "parsing time"},
		{"sends two lengths", strings.ReplaceAll(good, date, date+"Transfer-Encoding: chunked\r\n"), open, "more than one length"},
		{"sends a length in 204", strings.ReplaceAll(good, "200", "204"), "< 204\nopen\n", "a length where no body can be"},
		{"sends a body in 204", "HTTP/1.1 204 No Content\r\n" + date + "\r\nHello" + bye, "< 204\nopen\n", "not a status line"},
		{"sends a body to HEAD", good + bye, "< 200 to HEAD\nopen\n", "not a status line"},
		{"sends 405 without Allow", strings.ReplaceAll(good, "200", "405"), "< 405\nopen\n", "no Allow"},
		{"sends a space before the colon", strings.ReplaceAll(good, "Date:", "Date :"), open, "not a field"},
		{"folds a field", strings.ReplaceAll(good, "Date: ", "Date:\r\n "), open, "not a field"},
		{"sends chunks to HTTP/1.0", strings.ReplaceAll(good, "Content-Length: 13", "Transfer-Encoding: chunked"), "< 200 to HTTP/1.0\nopen\n", "Transfer-Encoding: chunked"},
		{"sends a chunk without its end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + date + "\r\n5\r\nHello0\r\n\r\n", open, "chunk data ends with"},
		{"answers HTTP/1.0", strings.ReplaceAll(good, "HTTP/1.1", "HTTP/1.0"), open, "the version is HTTP/1.0"},
		{"talks during a pause", good + bye, "pause\n" + open, "at the pause"},
		{"lacks a field", good + bye, "< 200\n< Allow has GET\nopen\n", `want "Allow has GET"`},
		{"sends a forbidden field", good + bye, "< 200\n< no Date\nopen\n", `want "no Date"`},
		{"says nothing", "", open, "EOF"},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			cases, err := parseWireFile("fake", "== it\n   RFC 9112 2.1: it must\n> GET / HTTP/1.1\n"+test.wants)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { // silence at a pause is the server's then, not the machine's
				var servers sync.WaitGroup
				defer servers.Wait()
				fake := wireDriver{name: "fake", dial: func() (net.Conn, error) {
					client, server := net.Pipe()
					servers.Go(func() {
						defer server.Close()
						server.Read(make([]byte, 100))
						go io.Copy(io.Discard, server)
						io.WriteString(server, test.answers)
					})
					return client, nil
				}}
				err = cases[0].hold(fake, nil)
				if test.notices == "" && err != nil {
					t.Fatalf("complains: %v", err)
				}
				if test.notices != "" && (err == nil || !strings.Contains(err.Error(), test.notices)) {
					t.Fatalf("got %v, want an error with %q", err, test.notices)
				}
			})
		})
	}
}
