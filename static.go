package hyperlane

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// StaticConfig says how [Group.Static] serves. The zero value serves files and index pages, and nothing that nobody linked to.
type StaticConfig struct {
	// Index is the file that answers for its directory; empty is "index.html".
	Index string
	// Listing has a directory without an index answered with a page of links to what is in it. The default is 404.
	Listing bool
	// Fallback is the page of a single-page application: a path in fsys, answered with 200 for what would be 404 when the client
	// accepts text/html and the last segment of the path has no extension. It is sent with "Cache-Control: no-cache",
	// whatever CacheControl says, so that a new version is found. Empty is none.
	Fallback string
	// Precompressed has name.br, name.zst or name.gz sent instead of name, if it is there and the client accepts it: what it likes
	// best, and at a tie the first of these. A request for a range is answered from name itself.
	Precompressed bool
	// CacheControl is sent with files; empty is none.
	CacheControl string
	// DotFiles has names that begin with a dot served and listed. The default hides them: they are 404, also below such a directory.
	// To serve /.well-known alone, register it as the prefix.
	DotFiles bool
}

// Static serves the files of fsys for GET and HEAD under prefix, as [Context.FileFS] does: prefix/css/a.css is css/a.css in fsys. For
// a directory of the system take [Dir]. A directory is answered by its index, under a path with a trailing slash, to which one
// without is redirected. What is missing, hidden or forbidden is 404.
//
// A path is decoded once, by the router, so that a guard sees the name that is opened. A segment that is empty, "." or "..", or holds
// a backslash or an escaped slash (%2F) names no file: it is 404, never cleaned.
//
// fsys must be able to open "." and must stay the same while the server runs; its files may change, but one that has no
// time of modification (in an embed.FS) is taken to be constant: its ETag is a hash, computed when it is first served. Ranges
// need files with Seek.
func (g *Group) Static(prefix string, fsys fs.FS, config StaticConfig) {
	config.Index = cmp.Or(config.Index, "index.html")
	s := &site{fsys: fsys, config: config}
	if err := s.check(); err != nil {
		g.server.mistake(fmt.Errorf("%s: static files under %s: %w", caller(2), prefix, err))
		return
	}
	prefix = strings.TrimSuffix(prefix, "/")
	if g.prefix+prefix != "" {
		g.add(http.MethodGet, prefix, s.serveRoot, nil)
	}
	g.add(http.MethodGet, prefix+"/{path...}", s.serve, nil)
}

// Dir returns the files below a directory of the operating system. Nothing outside it can be opened through it: not by "..", nor by
// a symbolic link that leads out or is absolute (see [os.Root]). The directory is opened here, once, and stays the same when its
// name is later given to another. If it cannot be opened, the result fails with the reason, and [Group.Static] reports it.
func Dir(name string) fs.FS {
	root, err := os.OpenRoot(name)
	if err != nil {
		return noDir{err}
	}
	return root.FS()
}

// noDir is a directory that could not be opened.
type noDir struct{ err error }

func (d noDir) Open(string) (fs.File, error) { return nil, d.err }

// site serves the files of one Static. It is read only, but for tags.
type site struct {
	fsys   fs.FS
	config StaticConfig
	tags   sync.Map // ETags of files without a time, by name
}

func (s *site) check() error {
	if s.fsys == nil {
		return errors.New("no file system")
	}
	switch info, err := fs.Stat(s.fsys, "."); {
	case err != nil:
		return err
	case !info.IsDir():
		return errors.New("not a directory")
	}
	if strings.Contains(s.config.Index, "/") || !fs.ValidPath(s.config.Index) {
		return fmt.Errorf("StaticConfig.Index = %q: want a name without a slash", s.config.Index)
	}
	if s.config.Fallback != "" {
		if info, err := fs.Stat(s.fsys, s.config.Fallback); err != nil || !info.Mode().IsRegular() {
			return fmt.Errorf("StaticConfig.Fallback = %q: want a file: %w", s.config.Fallback, cmp.Or(err, errIrregular))
		}
	}
	if !http1.ValidValue(s.config.CacheControl) {
		return fmt.Errorf("StaticConfig.CacheControl = %q: want the value of a header", s.config.CacheControl)
	}
	return nil
}

// serveRoot answers for the prefix without a slash behind it.
func (s *site) serveRoot(c *Context) error {
	if !s.browsable(".") {
		return s.missing(c, "", errNotFound)
	}
	return redirectToSlash(c)
}

func (s *site) serve(c *Context) error {
	tail := c.Param("path")
	name, slash := strings.CutSuffix(tail, "/")
	if tail == "" {
		name, slash = ".", true
	}
	if !s.allows(name) || escapedSlash(c.Request.rawPath(), len(tail)) {
		return errNotFound
	}
	info, err := fs.Stat(s.fsys, name)
	switch {
	case err != nil:
		return s.missing(c, tail, missing(err))
	case info.IsDir():
		if !s.browsable(name) {
			return s.missing(c, tail, errNotFound)
		}
		if !slash {
			return redirectToSlash(c)
		}
		return s.directory(c, name)
	case slash || !info.Mode().IsRegular():
		return s.missing(c, tail, errNotFound)
	}
	return s.file(c, name)
}

// allows reports whether name, decoded, may name a file of ours.
func (s *site) allows(name string) bool {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	return s.config.DotFiles || name == "." || !strings.HasPrefix(name, ".") && !strings.Contains(name, "/.")
}

// escapedSlash reports whether there is an escaped slash among the last bytes that raw, a path with good escapes, decodes to. The
// router gives a slash for it, which must not become one of ours: a guard on a pattern did not see two segments.
func escapedSlash(raw []byte, last int) bool {
	for i := len(raw); i > 0 && last > 0; last-- {
		i--
		if i < 2 || raw[i-2] != '%' {
			continue
		}
		if i -= 2; raw[i+1] == '2' && raw[i+2]|0x20 == 'f' {
			return true
		}
	}
	return false
}

// browsable reports whether a directory has an answer.
func (s *site) browsable(dir string) bool {
	info, err := fs.Stat(s.fsys, path.Join(dir, s.config.Index))
	return err == nil && info.Mode().IsRegular() || s.config.Listing
}

func (s *site) directory(c *Context, dir string) error {
	index := path.Join(dir, s.config.Index)
	if info, err := fs.Stat(s.fsys, index); err == nil && info.Mode().IsRegular() {
		return s.file(c, index)
	}
	return s.list(c, dir)
}

// redirectToSlash leads to the same path with a slash behind it, by a relative reference: it cannot name another host, and is right
// behind a proxy that has taken a prefix away, too. A raw segment needs no escaping but for its colons (RFC 3986 section 4.2).
func redirectToSlash(c *Context) error {
	raw := string(c.Request.rawPath())
	target := "./" + raw[strings.LastIndexByte(raw, '/')+1:] + "/"
	if query := c.Request.RawQuery(); query != "" {
		target += "?" + query
	}
	return c.Redirect(http.StatusPermanentRedirect, target)
}

// missing answers for a path that names nothing: with the fallback, or with err.
func (s *site) missing(c *Context, tail string, err error) error {
	if s.config.Fallback == "" || path.Ext(path.Base("/"+tail)) != "" {
		return err
	}
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusNotFound {
		return err
	}
	c.Response.addVary("Accept")
	if accept := c.Request.joined("Accept"); accept != "" && weight(accept, "text/html", "text/*", "*/*") <= 0 {
		return err
	}
	return s.file(c, s.config.Fallback)
}

// file answers with a file that was found, or a compressed form of it.
func (s *site) file(c *Context, name string) error {
	rep := representation{name: name, cacheControl: s.config.CacheControl}
	if name == s.config.Fallback {
		rep.cacheControl = "no-cache"
	}
	from := name
	if s.config.Precompressed {
		from, rep.coding = s.compressed(c, name)
	}
	f, err := s.fsys.Open(from)
	if err != nil {
		return missing(err)
	}
	if rep.tag, err = s.tag(f, from, rep.coding); err != nil {
		f.Close()
		return err
	}
	return c.serveFile(f, rep)
}

// tag returns the ETag of f, which is at its beginning before and after. It differs between codings, so that a cache never takes
// one for another (RFC 9110 section 8.8.3.3).
func (s *site) tag(f fs.File, name, coding string) (string, error) {
	info, err := f.Stat()
	if err := servable(info, err); err != nil {
		return "", err
	}
	tag := fileTag(info.ModTime(), info.Size())
	if tag == "" {
		if known, ok := s.tags.Load(name); ok {
			tag = known.(string)
		} else if tag, err = s.hash(name); err != nil {
			return "", err
		}
	}
	if coding != "" {
		tag = tag[:len(tag)-1] + "-" + coding + `"`
	}
	return tag, nil
}

// hash computes the ETag of a file that has no time, and keeps it.
func (s *site) hash(name string) (string, error) {
	f, err := s.fsys.Open(name)
	if err != nil {
		return "", missing(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	tag := `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15]) + `"`
	s.tags.Store(name, tag)
	return tag, nil
}
