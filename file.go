package hyperlane

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

// File answers with a file of the operating system. The name is the program's word: a path that a client had a hand in goes through
// [Group.Static], or [Context.FileFS] with [Dir]. What is missing, unreadable or no regular file is a 404 that tells the
// client nothing.
//
// Content-Type follows the extension, or the first bytes where that says nothing, unless the response has one. Last-Modified and
// ETag are set, preconditions (RFC 9110 section 13) and, for GET, ranges (section 14) are answered: 304, 412, 206, 416. With
// a status other than 200 the file is just the body: return c.Status(404).File("404.html").
func (c *Context) File(name string) error {
	c.inUse()
	info, err := os.Stat(name)
	if err := servable(info, err); err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return missing(err)
	}
	return c.serveFile(f, representation{name: name})
}

// FileFS is [Context.File] for a file of fsys. The name must meet [fs.ValidPath]; what does not is a 404. A file that has no time of
// modification, as in an embed.FS, gets an ETag from [Group.Static] only.
func (c *Context) FileFS(fsys fs.FS, name string) error {
	c.inUse()
	if !fs.ValidPath(name) {
		return missing(fs.ErrInvalid)
	}
	info, err := fs.Stat(fsys, name)
	if err := servable(info, err); err != nil {
		return err
	}
	f, err := fsys.Open(name)
	if err != nil {
		return missing(err)
	}
	return c.serveFile(f, representation{name: name})
}

// Content answers as [Context.File] does, with any content. The extension of name chooses the Content-Type and is not used otherwise;
// a modified that is zero is unknown; an ETag that was set on the response is used for preconditions, and none is made up.
//
// The content is read after the handler has returned, and must not be closed by it: a content that is an io.Closer is closed
// when the response is over, whatever happens.
func (c *Context) Content(name string, modified time.Time, content io.ReadSeeker) error {
	c.inUse()
	size, err := content.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = content.Seek(0, io.SeekStart)
	}
	if err != nil {
		closeBody(content)
		return fmt.Errorf("size of content: %w", err)
	}
	return c.represent(representation{name: name, modified: modified, size: size, body: content})
}

// servable returns nil for a file that can be opened without waiting, as a pipe cannot.
func servable(info fs.FileInfo, err error) error {
	if err != nil {
		return missing(err)
	}
	if !info.Mode().IsRegular() {
		return missing(errIrregular)
	}
	return nil
}

var errIrregular = errors.New("not a regular file")

// missing returns what a client is told of a file that cannot be had. Whether it is not there, not for us or not for anybody is for
// the log; only a machine at its limits is a 500.
func missing(err error) error {
	for _, limit := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO} {
		if errors.Is(err, limit) {
			return err
		}
	}
	return &Error{Status: http.StatusNotFound, Cause: err}
}

// serveFile answers with f, which it takes over. Size and time are those of the open file, so that they and the content are one.
func (c *Context) serveFile(f fs.File, rep representation) error {
	info, err := f.Stat()
	if err := servable(info, err); err != nil {
		f.Close()
		return err
	}
	rep.size, rep.body = info.Size(), f
	if rep.modified = info.ModTime(); rep.tag == "" {
		rep.tag = fileTag(rep.modified, rep.size)
	}
	return c.represent(rep)
}

// representation is what is served (RFC 9110 section 3.2). It belongs to the call that answers with it.
type representation struct {
	name         string // its extension tells the type
	modified     time.Time
	tag          string // ETag, or ""
	coding       string // Content-Encoding, or ""
	cacheControl string // or ""
	size         int64
	body         io.Reader // at its beginning; with ranges if it is an io.Seeker; closed if it is an io.Closer
}

var errBegun = errors.New("hyperlane: the response has begun")

// represent answers with rep, or by what the request demands of it.
func (c *Context) represent(rep representation) (err error) {
	r := &c.Response
	kept := false
	defer func() {
		if !kept {
			closeBody(rep.body)
		}
		if err != nil {
			r.DelHeader("Cache-Control")
			r.forgetRepresentation()
		}
	}()
	if r.committed {
		return errBegun
	}
	if rep.cacheControl != "" {
		r.set("Cache-Control", rep.cacheControl)
	}
	var ranges []byteRange
	if r.Status() == http.StatusOK { // RFC 9110 section 13.2.1: preconditions are for what would be answered with 200
		var done bool
		if ranges, done, err = c.wanted(&rep); done || err != nil {
			return err
		}
	}
	if err := c.setType(&rep); err != nil {
		return err
	}
	if rep.coding != "" {
		r.set("Content-Encoding", rep.coding)
	}
	if rep.size == 0 {
		r.SetBody(nil)
		return nil
	}
	err = r.setRanges(&rep, ranges)
	kept = err == nil
	return err
}

// wanted sets the validators of rep and returns the ranges that the request wants, none for all of it. It is done when the
// preconditions want nothing.
func (c *Context) wanted(rep *representation) (ranges []byteRange, done bool, err error) {
	r := &c.Response
	v := r.setValidators(rep, time.Now())
	p := c.Request.conditions().evaluate(v)
	switch p {
	case preconditionFailed:
		return nil, true, Errorf(http.StatusPreconditionFailed, "")
	case notModified:
		r.setNotModified(v)
		return nil, true, nil
	}
	if _, ok := rep.body.(io.Seeker); !ok || rep.coding != "" {
		return nil, false, nil
	}
	r.set("Accept-Ranges", "bytes")
	// RFC 9110 section 14.2: ranges are defined for GET only, not for HEAD.
	if p == wholeOnly || string(c.Request.methodView()) != http.MethodGet {
		return nil, false, nil
	}
	ranges, err = parseRanges(c.Request.joined("Range"), rep.size)
	if err != nil {
		// RFC 9110 section 15.5.17: the answer tells the length that there is.
		r.set("Content-Range", "bytes */"+strconv.FormatInt(rep.size, 10))
		return nil, true, Errorf(http.StatusRequestedRangeNotSatisfiable, "%w", err)
	}
	return ranges, false, nil
}

// forgetRepresentation takes away what was said of a representation that is not sent: an error is not a part, a form or a version of
// it, and is not saved under its name.
func (r *Response) forgetRepresentation() {
	for _, name := range []string{"Content-Encoding", "Content-Disposition", "ETag", "Last-Modified", "Accept-Ranges"} {
		r.DelHeader(name)
	}
}

// setRanges sets the body: all, one range, or several in parts. The response takes the body of rep over unless there is an error.
func (r *Response) setRanges(rep *representation, ranges []byteRange) error {
	if len(ranges) > 1 {
		parts := newRangeParts(rep.body.(io.ReadSeeker), rep.size, r.Header("Content-Type"), ranges)
		r.SetStatus(http.StatusPartialContent).set("Content-Type", "multipart/byteranges; boundary="+parts.boundary)
		r.SetBodyReader(parts, parts.length())
		return nil
	}
	part := byteRange{0, rep.size}
	if len(ranges) == 1 {
		part = ranges[0]
	}
	body := rep.body
	if f, ok := body.(*os.File); ok {
		body = &fileBody{f, part.start}
	} else if part.start > 0 {
		if _, err := body.(io.Seeker).Seek(part.start, io.SeekStart); err != nil {
			return err
		}
	}
	if len(ranges) == 1 { // RFC 9110 section 15.3.7.1: one range is never sent in parts
		r.SetStatus(http.StatusPartialContent).set("Content-Range", part.contentRange(rep.size))
	}
	r.SetBodyReader(body, part.length)
	return nil
}

func closeBody(body io.Reader) {
	if closer, ok := body.(io.Closer); ok {
		closer.Close()
	}
}
