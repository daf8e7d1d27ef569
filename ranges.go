package hyperlane

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// byteRange is one satisfiable range of a representation (RFC 9110 section 14.1.2). It is never empty.
type byteRange struct{ start, length int64 }

// contentRange returns the value of Content-Range (RFC 9110 section 14.4).
func (b byteRange) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", b.start, b.start+b.length-1, size)
}

// maxRanges is how many ranges one request may ask for; one with more gets all of it. Each costs a part of about a hundred bytes, and
// a seek.
const maxRanges = 64

var (
	errRangeSyntax = errors.New("the range is not well-formed")
	errRangeBeyond = errors.New("the range lies beyond the end")
)

// parseRanges returns the satisfiable ranges of a Range field, in the order in which they were asked for, or none if all of a
// representation of that size is to be sent: there is no Range, its unit is not bytes, nothing is there to be cut, or the
// ranges would be more work than the whole (RFC 9110 section 14.2).
func parseRanges(value string, size int64) ([]byteRange, error) {
	unit, set, _ := strings.Cut(value, "=")
	if !strings.EqualFold(unit, "bytes") {
		return nil, nil // RFC 9110 section 14.2: a unit that is not understood is ignored
	}
	var ranges []byteRange
	asked, total := 0, int64(0)
	for spec := range strings.SplitSeq(set, ",") {
		if spec = strings.Trim(spec, " \t"); spec == "" {
			continue
		}
		asked++
		b, err := parseRange(spec, size)
		if err != nil {
			return nil, err
		}
		if b.length > 0 && asked <= maxRanges {
			ranges = append(ranges, b)
			if total += b.length; total > size {
				total = size + 1
			}
		}
	}
	switch {
	case size == 0 || asked > maxRanges || total > size:
		return nil, nil
	case len(ranges) == 0 && asked > 0:
		return nil, errRangeBeyond
	}
	return ranges, nil
}

// parseRange parses one range: "0-499", "500-" or "-500". One that cannot be satisfied is empty.
func parseRange(spec string, size int64) (byteRange, error) {
	from, to, found := strings.Cut(spec, "-")
	first, okFirst := position(from)
	last, okLast := position(to)
	switch {
	case !found:
		return byteRange{}, errRangeSyntax
	case from == "" && okLast: // the last bytes
		n := min(last, size)
		return byteRange{size - n, n}, nil
	case !okFirst || to != "" && (!okLast || last < first):
		return byteRange{}, errRangeSyntax
	case to == "":
		last = size
	}
	if first >= size {
		return byteRange{}, nil
	}
	return byteRange{first, min(last, size-1) - first + 1}, nil
}

// position parses digits. A number that is beyond int64 lies beyond every end.
func position(digits string) (n int64, ok bool) {
	for i := range len(digits) {
		d := int64(digits[i]) - '0'
		if d < 0 || d > 9 {
			return 0, false
		}
		if n > (math.MaxInt64-d)/10 {
			n = math.MaxInt64
		} else if n != math.MaxInt64 {
			n = 10*n + d
		}
	}
	return n, digits != ""
}

// rangeParts reads several ranges of a content as the body of a multipart/byteranges message (RFC 9110 section 14.6), one after the
// other, with nothing in memory but the head of a part. It belongs to the response.
type rangeParts struct {
	content  io.ReadSeeker
	size     int64
	kind     string // Content-Type of each part
	boundary string
	ranges   []byteRange

	next int    // the range behind the one that is read
	text string // of the head of a part, or the end, that is still to be read
	left int64  // of the range that is read
}

func newRangeParts(content io.ReadSeeker, size int64, kind string, ranges []byteRange) *rangeParts {
	return &rangeParts{content: content, size: size, kind: kind, ranges: ranges, boundary: rand.Text()}
}

// length returns the number of bytes that Read will give.
func (p *rangeParts) length() int64 {
	n := int64(0)
	for i := range p.ranges {
		n += int64(len(p.head(i))) + p.ranges[i].length
	}
	return n + int64(len(p.head(len(p.ranges))))
}

// head returns what stands before range i: a delimiter and fields, or the last delimiter behind them all.
func (p *rangeParts) head(i int) string {
	if i == len(p.ranges) {
		return "\r\n--" + p.boundary + "--\r\n"
	}
	text := "--" + p.boundary + "\r\nContent-Range: " + p.ranges[i].contentRange(p.size) + "\r\n"
	if p.kind != "" {
		text += "Content-Type: " + p.kind + "\r\n"
	}
	if i > 0 {
		text = "\r\n" + text
	}
	return text + "\r\n"
}

func (p *rangeParts) Read(b []byte) (int, error) {
	if len(p.text) == 0 && p.left == 0 {
		if p.next > len(p.ranges) {
			return 0, io.EOF
		}
		p.text = p.head(p.next)
		if p.next < len(p.ranges) {
			p.left = p.ranges[p.next].length
			if _, err := p.content.Seek(p.ranges[p.next].start, io.SeekStart); err != nil {
				return 0, err
			}
		}
		p.next++
	}
	if len(p.text) > 0 {
		n := copy(b, p.text)
		p.text = p.text[n:]
		return n, nil
	}
	n, err := p.content.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	if err == io.EOF {
		if err = nil; n == 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

func (p *rangeParts) Close() error {
	closeBody(p.content)
	return nil
}
