package hyperlane

import (
	"html"
	"io/fs"
	"net/url"
	"path"
	"strings"
)

// list answers with a page of links to the files and directories in dir, sorted by name. What would be 404 is not in it.
func (s *site) list(c *Context, dir string) error {
	entries, err := fs.ReadDir(s.fsys, dir)
	if err != nil {
		return missing(err)
	}
	title := html.EscapeString(strings.ToValidUTF8(c.Request.Path(), "\ufffd"))
	var page strings.Builder
	page.WriteString("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width\">\n<title>" + title + "</title>\n<h1>" + title + "</h1>\n<ul>\n")
	if dir != "." {
		page.WriteString("<li><a href=\"../\">../</a>\n")
	}
	for _, e := range entries {
		name := e.Name()
		if !s.allows(name) {
			continue
		}
		info, err := fs.Stat(s.fsys, path.Join(dir, name)) // what a link leads to, if it may
		if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
			continue
		}
		href := "./" + url.PathEscape(name) // with "./" before it no colon makes it another scheme
		if info.IsDir() {
			name, href = name+"/", href+"/"
		}
		page.WriteString("<li><a href=\"" + html.EscapeString(href) + "\">" + html.EscapeString(name) + "</a>\n")
	}
	page.WriteString("</ul>\n")
	c.Response.set("X-Content-Type-Options", "nosniff")
	return c.HTML(page.String())
}
