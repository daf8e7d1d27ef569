package hyperlane

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"mime"
	"mime/multipart"
	"net/http"
)

// Part is one part of a multipart form that is read as it comes. It lasts until the next one is asked for.
type Part struct {
	Name        string
	Filename    string // as FormFile.Filename
	ContentType string // as the client declares it; "" if it does not
	IsFile      bool   // the part is a file, also if its Filename is ""

	unnamed bool // IsFile, and the client gave an empty name
	parts   *partReader
	body    *multipart.Part
}

// Read reads the content of the part. It ends with io.EOF; other errors are those of Request.Multipart.
func (p *Part) Read(b []byte) (int, error) {
	p.parts.r.c.inUse()
	n, err := p.body.Read(b)
	if err != nil && err != io.EOF {
		err = p.parts.mistake(err)
	}
	return n, err
}

// Multipart yields the parts of a multipart form as they come, for a form that is too large to be kept: memory and disk stay
// untouched, so of the limits only Config.Limits.Body and MultipartParts hold. Parts come in the client's order. An error ends the
// form; it is one of those that Form returns. What the form was read for, it cannot be read again: after Multipart there is no Form,
// after Form no Multipart.
func (r *Request) Multipart() iter.Seq2[*Part, error] {
	r.c.inUse()
	return func(yield func(*Part, error) bool) {
		parts, err := r.streamParts()
		if err != nil {
			yield(nil, err)
			return
		}
		for {
			part, err := parts.next()
			if err == io.EOF || !yield(part, err) || err != nil {
				return
			}
		}
	}
}

var (
	errFormStreamed = errors.New("hyperlane: the form was read by Request.Multipart")
	errFormKept     = errors.New("hyperlane: the form was read already, by Request.Form or by another range over Request.Multipart")
)

func (r *Request) streamParts() (*partReader, error) {
	if r.form != nil {
		return nil, errFormKept
	}
	media, params, err := mime.ParseMediaType(r.Header("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return nil, errNoMultipart
	}
	r.form = &form{err: errFormStreamed}
	return r.partReader(params["boundary"])
}

var (
	errNoMultipart = Errorf(http.StatusUnsupportedMediaType, "the body must be a form: multipart/form-data")
	errNoBoundary  = Errorf(http.StatusBadRequest, "the form is malformed: its boundary is missing or too long")
	errPartHead    = Errorf(http.StatusRequestEntityTooLarge, "the head of a part of the form is too large")
	errPartName    = Errorf(http.StatusBadRequest, "the form is malformed: a part has no name")
)

// partReader takes a multipart body apart. It belongs to the handler.
type partReader struct {
	r    *Request
	from *multipart.Reader
	left int // parts that may still come
}

// maxBoundary is in RFC 2046 section 5.1.1.
const maxBoundary = 70

func (r *Request) partReader(boundary string) (*partReader, error) {
	if boundary == "" || len(boundary) > maxBoundary {
		return nil, errNoBoundary
	}
	var body io.Reader = bytes.NewReader(r.body)
	if !r.buffered {
		body = r.BodyReader()
	} else if r.failed.Load() {
		return nil, r.bodyErr
	}
	return &partReader{r: r, from: multipart.NewReader(body, boundary), left: r.c.server.config.Limits.MultipartParts}, nil
}

// next returns the next part, or io.EOF after the last.
func (p *partReader) next() (*Part, error) {
	p.r.c.inUse()
	body, err := p.from.NextPart()
	if err == io.EOF {
		return nil, err
	}
	if err != nil {
		return nil, p.mistake(err)
	}
	if p.left--; p.left < 0 {
		return nil, errFormParts
	}
	size := 0
	for name, values := range body.Header {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if size > p.r.c.server.config.Limits.Head {
		return nil, errPartHead
	}
	disposition, params, err := mime.ParseMediaType(body.Header.Get("Content-Disposition"))
	// RFC 7578 section 4.2: form-data, with a name.
	if err != nil || disposition != "form-data" || params["name"] == "" {
		return nil, errPartName
	}
	filename, isFile := params["filename"]
	return &Part{
		Name: params["name"], Filename: baseName(filename), ContentType: body.Header.Get("Content-Type"),
		IsFile: isFile, unnamed: filename == "", parts: p, body: body,
	}, nil
}

// mistake returns the error of the request's body, if that is why a part cannot be read, or else blames the form.
func (p *partReader) mistake(err error) error {
	if p.r.failed.Load() {
		return p.r.bodyErr
	}
	return &Error{Status: http.StatusBadRequest, Detail: errFormMalformed.Detail, Cause: err}
}
