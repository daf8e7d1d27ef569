package hyperlane

import (
	"bytes"
	"io"
	"os"
	"strings"
	"unicode"
)

// FormFile is a file in a multipart form. Its content lasts until the request ends: what is to stay is saved, or read, before. Its
// methods may be called by any goroutine.
type FormFile struct {
	// Filename is the last element of what the client calls the file, whatever the client's system separates with, without control
	// characters; "" if nothing is left. It is not a name to store the file under: it may be anybody's.
	Filename    string
	ContentType string // as the client declares it; "" if it does not
	Size        int64

	memory []byte
	disk   *os.File // or nil: memory has it
	offset int64    // in disk
}

// Open returns a reader of the content, from its start. There may be several at a time. Close is for those who must call it.
func (f *FormFile) Open() io.ReadSeekCloser {
	var from io.ReaderAt = bytes.NewReader(f.memory)
	if f.disk != nil {
		from = f.disk
	}
	return openFile{io.NewSectionReader(from, f.offset, f.Size)}
}

type openFile struct{ *io.SectionReader }

func (openFile) Close() error { return nil }

// Save copies the content to a new file in root; name is the program's choice, and cannot lead out of root. A file that is there is
// not replaced: the error then is [io/fs.ErrExist]. After an error nothing is left behind.
func (f *FormFile) Save(root *os.Root, name string) error {
	to, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, f.Open())
	if closeErr := to.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		root.Remove(name)
	}
	return err
}

// baseName makes FormFile.Filename of what the client says.
func baseName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.ToValidUTF8(name, "")
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) { // Cf: text that turns others around
			return -1
		}
		return r
	}, name))
	if name == "." || name == ".." {
		return ""
	}
	return name
}
