package hyperlane

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
)

// Form returns the values of the form that is the body, urlencoded or multipart, without its files. The map is the caller's. Nothing
// of the query is in it. Limits: Config.Limits.Body for the whole, MultipartParts for the number of values and files,
// MultipartMemory and MultipartDisk for a multipart form.
//
// The error is an [Error] with status 415 if the body is no form, 400 if it is malformed, 413 over a limit, or that of Body. The form
// is read once: all methods, at any time of the request, see the same values and the same error.
func (r *Request) Form() (url.Values, error) {
	f, err := r.parsedForm()
	if err != nil {
		return nil, err
	}
	values := make(url.Values, len(f.values))
	for name, list := range f.values {
		values[name] = slices.Clone(list)
	}
	return values, nil
}

// File returns the first file of that name in the form that is the body. The errors are those of Form, and an [Error] with status
// 400 if there is no such file.
func (r *Request) File(name string) (*FormFile, error) {
	files, err := r.Files(name)
	if err == nil && len(files) == 0 {
		return nil, FieldErrors{{Name: string(fromForm) + " " + name, Detail: absent}}.refusal(http.StatusBadRequest)
	}
	if err != nil {
		return nil, err
	}
	return files[0], nil
}

// Files returns all files of that name in the form that is the body, in order; there may be none. The errors are those of Form.
func (r *Request) Files(name string) ([]*FormFile, error) {
	f, err := r.parsedForm()
	if err != nil {
		return nil, err
	}
	return slices.Clone(f.files[name]), nil
}

// form is what was read of a form. It belongs to its request, and is read only once it was parsed; but a handler that comes too
// late (timeout.go) may still hold it when it is removed.
type form struct {
	values url.Values
	files  map[string][]*FormFile
	err    error // of all methods
	disk   spool
}

// remove deletes what the form has on disk. It may be called again, and while files are read: they then fail.
func (f *form) remove() { f.disk.remove() }

// dropForm ends the form. It is called where the request ends.
func (r *Request) dropForm() {
	if r.form != nil {
		r.form.remove()
	}
}

// parsedForm reads the form unless that was done.
func (r *Request) parsedForm() (*form, error) {
	r.c.inUse()
	if r.form == nil {
		r.form = new(form)
		r.form.err = r.form.parse(r)
	}
	return r.form, r.form.err
}

var (
	errNoForm        = Errorf(http.StatusUnsupportedMediaType, "the body must be a form: application/x-www-form-urlencoded or multipart/form-data")
	errFormMalformed = Errorf(http.StatusBadRequest, "the form is malformed")
	errFormParts     = Errorf(http.StatusRequestEntityTooLarge, "the form has too many parts")
	errFormMemory    = Errorf(http.StatusRequestEntityTooLarge, "the form has too many or too long values")
	errFormFiles     = Errorf(http.StatusRequestEntityTooLarge, "the files of the form are too large")
)

func (f *form) parse(r *Request) error {
	media, params, err := mime.ParseMediaType(r.Header("Content-Type"))
	switch {
	case err != nil:
		return errNoForm
	case media == "application/x-www-form-urlencoded":
		return f.parseURLEncoded(r)
	case media == "multipart/form-data":
		if err = f.parseMultipart(r, params["boundary"]); err != nil {
			f.remove()
		}
		return err
	}
	return errNoForm
}

// parseURLEncoded is strict where a query is lenient: what cannot be decoded, or is too much, is refused, because what a form says is
// kept, and half of it is not what was meant.
func (f *form) parseURLEncoded(r *Request) error {
	body, err := r.BodyView()
	if err != nil {
		return err
	}
	f.values = make(url.Values)
	for left := r.c.server.config.Limits.MultipartParts; len(body) > 0; {
		var pair []byte
		pair, body = cut(body, '&')
		if len(pair) == 0 {
			continue
		}
		if left--; left < 0 {
			return errFormParts
		}
		rawName, rawValue := cut(pair, '=')
		name, err := url.QueryUnescape(string(rawName))
		if err != nil {
			return errFormMalformed
		}
		value, err := url.QueryUnescape(string(rawValue))
		if err != nil {
			return errFormMalformed
		}
		f.values.Add(name, value)
	}
	return nil
}

// parseMultipart keeps values in memory, small files too, and the others on disk.
func (f *form) parseMultipart(r *Request, boundary string) error {
	parts, err := r.partReader(boundary)
	if err != nil {
		return err
	}
	f.values, f.files = make(url.Values), make(map[string][]*FormFile)
	b := newFormBudget(&r.c.server.config.Limits)
	for {
		part, err := parts.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		const entry = 256 // bytes that maps and headers take for a part, about
		if b.memory -= int64(entry + len(part.Name) + len(part.Filename) + len(part.ContentType)); b.memory < 0 {
			return errFormMemory
		}
		if !part.IsFile {
			err = f.addValue(part, &b)
		} else {
			err = f.addFile(part, &b)
		}
		if err != nil {
			return err
		}
	}
}

// formBudget is what a form may still take, in bytes.
type formBudget struct {
	memory int64 // values, and files in memory
	files  int64 // of memory: at most half of it, so that files in front of values leave room for them
	disk   int64
}

func newFormBudget(l *Limits) formBudget {
	b := formBudget{memory: int64(l.MultipartMemory), files: int64(l.MultipartMemory) / 2, disk: max(l.MultipartDisk, 0)}
	if b.disk == 0 {
		b.files = b.memory
	}
	return b
}

func (f *form) addValue(part *Part, b *formBudget) error {
	text, err := io.ReadAll(io.LimitReader(part, b.memory+1))
	if err != nil {
		return err
	}
	if b.memory -= int64(len(text)); b.memory < 0 {
		return errFormMemory
	}
	f.values.Add(part.Name, string(text))
	return nil
}

func (f *form) addFile(part *Part, b *formBudget) error {
	file := &FormFile{Filename: part.Filename, ContentType: part.ContentType}
	room := min(b.files, b.memory)
	start, err := io.ReadAll(io.LimitReader(part, room+1))
	if err != nil {
		return err
	}
	file.Size = int64(len(start))
	if file.Size <= room {
		if file.Size == 0 && part.unnamed {
			return nil // a browser says so where no file was chosen
		}
		b.memory -= file.Size
		b.files -= file.Size
		file.memory = start
	} else if err := f.addToDisk(file, start, part, b); err != nil {
		return err
	}
	f.files[part.Name] = append(f.files[part.Name], file)
	return nil
}

func (f *form) addToDisk(file *FormFile, start []byte, part *Part, b *formBudget) error {
	if file.Size > b.disk {
		return errFormFiles
	}
	if err := f.disk.open(); err != nil {
		return err
	}
	file.disk, file.offset = f.disk.file, f.disk.size
	if _, err := f.disk.Write(start); err != nil {
		return err
	}
	n, err := io.Copy(&f.disk, io.LimitReader(part, b.disk-file.Size+1))
	if err != nil {
		return err
	}
	file.Size += n
	if b.disk -= file.Size; b.disk < 0 {
		return errFormFiles
	}
	return nil
}

// spool is one file without a name for all the files of a form that are on disk. It is gone when it is closed, or the process ends.
type spool struct {
	file *os.File // nil: not opened
	size int64
	name string // "": nobody can find it any more
}

func (s *spool) open() error {
	if s.file != nil {
		return nil
	}
	file, err := os.CreateTemp("", "hyperlane-form-*")
	if err != nil {
		return err
	}
	s.file, s.name = file, file.Name()
	if os.Remove(s.name) == nil { // some systems do not remove what is open
		s.name = ""
	}
	return nil
}

// Write appends p.
func (s *spool) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.size += int64(n)
	return n, err
}

func (s *spool) remove() {
	if s.file == nil {
		return
	}
	err := s.file.Close()
	if s.name != "" && !errors.Is(err, os.ErrClosed) {
		os.Remove(s.name)
	}
}
