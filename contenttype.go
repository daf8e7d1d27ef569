package hyperlane

import (
	"io"
	"mime"
	"net/http"
	"path/filepath"
	"strings"
)

// webTypes are extensions that a web application has and that not every system knows.
var webTypes = map[string]string{
	".map":         "application/json",
	".md":          "text/markdown; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".woff":        "font/woff",
	".woff2":       "font/woff2",
}

// sniffed is how many bytes tell a type.
const sniffed = 512

// setType sets the Content-Type of rep, unless the handler has set one: by its extension, as package mime knows it (and
// mime.AddExtensionType teaches it), or by its first bytes. A type that we have chosen is one that the client is not to
// doubt, so it comes with X-Content-Type-Options: nosniff.
func (c *Context) setType(rep *representation) error {
	r := &c.Response
	if r.Header("Content-Type") != "" {
		return nil
	}
	ext := filepath.Ext(rep.name)
	kind := mime.TypeByExtension(ext)
	if kind == "" {
		kind = webTypes[strings.ToLower(ext)]
	}
	if kind == "" {
		var err error
		if kind, err = sniff(rep); err != nil {
			return err
		}
	}
	r.set("Content-Type", kind)
	r.set("X-Content-Type-Options", "nosniff")
	return nil
}

// sniff guesses the type of rep from its first bytes. It never guesses one that a browser runs scripts of: an upload without an
// extension must not become a page of ours.
func sniff(rep *representation) (string, error) {
	content, ok := rep.body.(io.ReadSeeker)
	if !ok || rep.coding != "" {
		return "application/octet-stream", nil
	}
	var first [sniffed]byte
	n, err := io.ReadFull(content, first[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	switch kind := http.DetectContentType(first[:n]); kind {
	case "text/html; charset=utf-8", "text/xml; charset=utf-8":
		return "text/plain; charset=utf-8", nil
	default:
		return kind, nil
	}
}
