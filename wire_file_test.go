package hyperlane_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A wireCase is one conversation of testdata/http1: what a client sends, what the server must answer, and whether
// the connection outlives it. testdata/http1/README.md describes the text.
type wireCase struct {
	name       string // a sentence
	file       string // without directory and suffix: "chunked"
	line       int    // of the name
	section    string // "RFC 9112 7.1"
	reason     string
	ownFraming string // why net/http's own parser fails this case; empty if it passes
	steps      []wireStep
	ending     wireEnding
}

// A wireStep is one thing that happens in a conversation; exactly one of its fields is set.
type wireStep struct {
	send      []byte      // for the server; all bytes up to the next step of another kind
	expect    *wireExpect // one response
	pause     bool        // nothing arrives for a while
	halfClose bool        // the client will send no more
}

// A wireExpect says what one response looks like.
type wireExpect struct {
	line     int
	statuses []int // any of these
	maybe    bool  // the response may be missing
	head     bool  // it answers HEAD: no body, whatever its fields say
	old      bool  // it answers HTTP/1.0: no chunks, and the connection closes unless it says keep-alive
	checks   []wireCheck
	body     []byte // exactly this, if hasBody
	hasBody  bool
}

// A wireCheck is one line about a response, in the words of the file, and the test that it stands for.
type wireCheck struct {
	text string
	ok   func(*wireResponse) bool
}

// A wireEnding says what becomes of the connection.
type wireEnding string

const (
	wireOpen          wireEnding = "open"           // it serves another request
	wireClosed        wireEnding = "closed"         // the server closes it, and said so in the last response
	wireClosedQuietly wireEnding = "closed quietly" // the server closes it, announced or not
	wireOpenOrClosed  wireEnding = "open or closed" // closed if and only if the last response said so
)

var wireEndings = []wireEnding{wireOpen, wireClosed, wireClosedQuietly, wireOpenOrClosed}

// loadWireCases reads every file of testdata/http1 and fails the test where one of them is not well formed.
func loadWireCases(t *testing.T) []*wireCase {
	t.Helper()
	files, err := filepath.Glob("testdata/http1/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no wire conversations in testdata/http1: %v", err)
	}
	var cases []*wireCase
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parseWireFile(strings.TrimSuffix(filepath.Base(file), ".txt"), string(text))
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, parsed...)
	}
	return cases
}

// parseWireFile reads the cases of one file. Errors begin with the file and the line.
func parseWireFile(file, text string) ([]*wireCase, error) {
	p := wireFile{names: make(map[string]bool)}
	for i, line := range strings.Split(text, "\n") {
		if err := p.add(file, i+1, line); err != nil {
			return nil, fmt.Errorf("testdata/http1/%s.txt:%d: %w", file, i+1, err)
		}
	}
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("testdata/http1/%s.txt: %w", file, err)
	}
	return p.cases, nil
}

// wireFile is a file being read: the cases so far, of which the last may be unfinished.
type wireFile struct {
	cases []*wireCase
	names map[string]bool
}

func (p *wireFile) add(file string, number int, line string) error {
	if strings.TrimRight(line, " \t\r") != line {
		return fmt.Errorf("white space at the end of the line: write \\x20, \\t or \\r")
	}
	for _, b := range []byte(line) {
		if b < ' ' || b > '~' {
			return fmt.Errorf("byte %#x in the text: write \\x%02x", b, b)
		}
	}
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	if name, ok := strings.CutPrefix(line, "== "); ok {
		if err := p.finish(); err != nil {
			return err
		}
		if p.names[name] {
			return fmt.Errorf("a second case named %q", name)
		}
		p.names[name] = true
		p.cases = append(p.cases, &wireCase{name: name, file: file, line: number})
		return nil
	}
	if len(p.cases) == 0 {
		return fmt.Errorf("text before the first case")
	}
	c := p.cases[len(p.cases)-1]
	if c.ending != "" {
		return fmt.Errorf("text after the ending %q", c.ending)
	}
	if about, ok := strings.CutPrefix(line, "   "); ok {
		return c.describe(about)
	}
	if c.section == "" {
		return fmt.Errorf("the case begins without its RFC section")
	}
	return c.converse(number, line)
}

// finish checks that the last case is complete.
func (p *wireFile) finish() error {
	if len(p.cases) == 0 {
		return nil
	}
	c := p.cases[len(p.cases)-1]
	if c.ending == "" {
		return fmt.Errorf("the case %q has no ending", c.name)
	}
	var sends, answers bool
	for i, s := range c.steps {
		sends = sends || s.send != nil
		answers = answers || s.expect != nil
		if s.expect != nil && s.expect.maybe && i+1 < len(c.steps) && c.steps[i+1].expect == nil {
			return fmt.Errorf("the case %q goes on after a response that may be missing: nobody can tell when", c.name)
		}
	}
	if !sends {
		return fmt.Errorf("the case %q sends nothing", c.name)
	}
	if !answers && c.ending != wireClosedQuietly {
		return fmt.Errorf("the case %q expects no response", c.name)
	}
	return nil
}

var wireAbout = regexp.MustCompile(`^(RFC \d+ [0-9A-Z]+(?:\.\d+)*): (.+)$`)

// describe takes a line between the name of a case and its first step.
func (c *wireCase) describe(line string) error {
	if len(c.steps) > 0 {
		return fmt.Errorf("a description after the first step")
	}
	if strings.HasPrefix(line, " ") {
		return fmt.Errorf("indented by more than three spaces")
	}
	if why, ok := strings.CutPrefix(line, "own-framing: "); ok {
		c.ownFraming = why
		return nil
	}
	if c.section == "" {
		m := wireAbout.FindStringSubmatch(line)
		if m == nil {
			return fmt.Errorf("want \"RFC NNNN S.S: reason\", got %q", line)
		}
		c.section, c.reason = m[1], m[2]
		return nil
	}
	if c.ownFraming != "" {
		return fmt.Errorf("the marker own-framing is one line, and the last")
	}
	c.reason += " " + line
	return nil
}

// converse takes one step of the conversation, or its ending.
func (c *wireCase) converse(number int, line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case ">", ">>":
		b, err := unescapeWire(rest)
		if err != nil {
			return err
		}
		if word == ">" {
			b = append(b, "\r\n"...)
		}
		if n := len(c.steps); n > 0 && c.steps[n-1].send != nil {
			c.steps[n-1].send = append(c.steps[n-1].send, b...)
			return nil
		}
		c.steps = append(c.steps, wireStep{send: b})
		return nil
	case "<", "<<":
		if rest != "" && rest[0] >= '0' && rest[0] <= '9' && word == "<" {
			e, err := parseWireExpect(number, rest)
			c.steps = append(c.steps, wireStep{expect: e})
			return err
		}
		n := len(c.steps)
		if n == 0 || c.steps[n-1].expect == nil {
			return fmt.Errorf("no status before %q", line)
		}
		e := c.steps[n-1].expect
		if word == "<<" {
			b, err := unescapeWire(rest)
			e.body, e.hasBody = append(e.body, b...), true
			return err
		}
		return e.require(rest)
	case "pause":
		c.steps = append(c.steps, wireStep{pause: true})
		return nil
	case "half-close":
		c.steps = append(c.steps, wireStep{halfClose: true})
		return nil
	}
	if !slices.Contains(wireEndings, wireEnding(line)) {
		return fmt.Errorf("not a step and not an ending: %q", line)
	}
	c.ending = wireEnding(line)
	return nil
}

var wireStatus = regexp.MustCompile(`^(\d{3}(?: or \d{3})*)(?: to( HEAD)?( HTTP/1\.0)?)?( maybe)?$`)

func parseWireExpect(number int, text string) (*wireExpect, error) {
	m := wireStatus.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("want \"NNN [or NNN] [to [HEAD] [HTTP/1.0]] [maybe]\", got %q", text)
	}
	e := &wireExpect{line: number, head: m[2] != "", old: m[3] != "", maybe: m[4] != ""}
	for s := range strings.SplitSeq(m[1], " or ") {
		status, _ := strconv.Atoi(s)
		e.statuses = append(e.statuses, status)
	}
	return e, nil
}

// require adds one line about the response.
func (e *wireExpect) require(text string) error {
	word, rest, _ := strings.Cut(text, " ")
	verb, object, _ := strings.Cut(rest, " ")
	var ok func(*wireResponse) bool
	switch {
	case word == "no" && rest != "":
		ok = func(r *wireResponse) bool { return len(r.values(rest)) == 0 }
	case word == "length" && rest != "":
		n, err := strconv.Atoi(rest)
		if err != nil {
			return err
		}
		ok = func(r *wireResponse) bool { return len(r.body) == n }
	case word == "body" && (verb == "has" || verb == "lacks") && object != "":
		part, err := unescapeWire(object)
		if err != nil {
			return err
		}
		ok = func(r *wireResponse) bool { return bytes.Contains(r.body, part) == (verb == "has") }
	case (verb == "has" || verb == "lacks") && object != "":
		ok = func(r *wireResponse) bool { return r.hasToken(word, object) == (verb == "has") }
	case strings.HasSuffix(word, ":") && rest != "":
		name := strings.TrimSuffix(word, ":")
		ok = func(r *wireResponse) bool {
			v := r.values(name)
			return len(v) == 1 && globWire(rest, v[0])
		}
	default:
		return fmt.Errorf("not a line about a response: %q", text)
	}
	e.checks = append(e.checks, wireCheck{text, ok})
	return nil
}

// globWire reports whether s is the pattern, in which * stands for any text.
func globWire(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return s == pattern
	}
	last := len(parts) - 1
	s, ok := strings.CutPrefix(s, parts[0])
	for _, part := range parts[1:last] {
		if ok {
			_, s, ok = strings.Cut(s, part)
		}
	}
	return ok && strings.HasSuffix(s, parts[last])
}

// unescapeWire turns the text after > or << into bytes: \r \n \t \\ \xHH, and \{text*n} for n times the text.
func unescapeWire(s string) ([]byte, error) {
	b := []byte{}
	for s != "" {
		plain, rest, found := strings.Cut(s, `\`)
		b = append(b, plain...)
		if !found {
			break
		}
		if rest == "" {
			return nil, fmt.Errorf(`\ at the end of the line`)
		}
		s = rest[1:]
		switch rest[0] {
		case 'r':
			b = append(b, '\r')
		case 'n':
			b = append(b, '\n')
		case 't':
			b = append(b, '\t')
		case '\\':
			b = append(b, '\\')
		case 'x':
			if len(s) < 2 {
				return nil, fmt.Errorf(`\x%s: want two hexadecimal digits`, s)
			}
			v, err := strconv.ParseUint(s[:2], 16, 8)
			if err != nil {
				return nil, fmt.Errorf(`\x%s: want two hexadecimal digits`, s[:2])
			}
			b, s = append(b, byte(v)), s[2:]
		case '{':
			inner, after, ok := cutRepeat(s)
			star := strings.LastIndexByte(inner, '*')
			if !ok || star < 0 {
				return nil, fmt.Errorf(`\{%s: want \{text*n}`, inner)
			}
			n, err := strconv.Atoi(inner[star+1:])
			if err != nil || n < 1 || n > 4<<20 {
				return nil, fmt.Errorf(`\{%s: want a number of times after the *`, inner)
			}
			unit, err := unescapeWire(inner[:star])
			if err != nil {
				return nil, err
			}
			b, s = append(b, bytes.Repeat(unit, n)...), after
		default:
			return nil, fmt.Errorf(`unknown escape \%c`, rest[0])
		}
	}
	return b, nil
}

// cutRepeat splits s after the } that ends the repeat, which may hold others.
func cutRepeat(s string) (inner, after string, ok bool) {
	depth := 1
	for i := range len(s) {
		switch {
		case strings.HasPrefix(s[i:], `\{`):
			depth++
		case s[i] == '}':
			depth--
		}
		if depth == 0 {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func TestWireFilesAreRefusedWithTheLineThatIsWrong(t *testing.T) {
	const head = "== a name\n   RFC 9112 2.1: a reason\n"
	for _, test := range []struct {
		text string // of the file
		want string // in the error
	}{
		{"> GET / HTTP/1.1\n", ":1: text before the first case"},
		{"== a name\n> GET\n", ":2: the case begins without its RFC section"},
		{"== a name\n   because\n", ":2: want \"RFC NNNN S.S: reason\""},
		{head + "> GET\n< 200\n", "has no ending"},
		{head + "< 200\nopen\n", "sends nothing"},
		{head + "> GET\nopen\n", "expects no response"},
		{head + "> GET\n< 2000\nopen\n", ":4: want \"NNN"},
		{head + "> GET\n< Date: *\nopen\n", ":4: no status before"},
		{head + "> GET\n< 200\n< sunshine\nopen\n", ":5: not a line about a response"},
		{head + "> GET\n< 100 maybe\n>> body\n< 200\nopen\n", "goes on after a response that may be missing"},
		{head + "> GET \n< 200\nopen\n", ":3: white space at the end"},
		{head + "> caf\xc3\xa9\n", ":3: byte 0xc3 in the text"},
		{head + "> \\q\n", `:3: unknown escape \q`},
		{head + "> \\x4\n", `:3: \x4: want two`},
		{head + "> \\{a}\n", `:3: \{a: want \{text*n}`},
		{head + "> \\{a*2\n", `:3: \{a*2: want \{text*n}`},
		{head + "> GET\n< 200\nopen\nopen\n", ":6: text after the ending"},
		{head + "> GET\n< 200\nopened\n", ":5: not a step and not an ending"},
		{head + "> GET\n< 200\nopen\n" + head + "> GET\n< 200\nopen\n", ":6: a second case named"},
	} {
		_, err := parseWireFile("some", test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one with %q, for\n%s", err, test.want, test.text)
		}
	}
}

func TestWireEscapesBecomeBytes(t *testing.T) {
	for text, want := range map[string]string{
		`a\r\n\t\\b`:      "a\r\n\t\\b",
		`\x00\xff`:        "\x00\xff",
		`<\{ab*3}>`:       "<ababab>",
		`\{X: y\r\n*2}\r`: "X: y\r\nX: y\r\n\r",
		`\{a\{b*2}*2}c`:   "abbabbc",
		`{a*3}`:           "{a*3}",
		``:                "",
	} {
		if got, err := unescapeWire(text); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
}
