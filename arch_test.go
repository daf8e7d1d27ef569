package hyperlane_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/hyperlane-go/hyperlane"

// A room is one package of this repository, or a tree of them, and what its code may import. The standard library is open
// to all, except what never lists. A change to this table is a decision: write it down in docs/decisions.
type room struct {
	dir   string   // below the root; "." is the root package; a trailing "/..." means the whole tree
	may   []string // packages of this module from "./", other modules by path, and what of never stays open: "net/http.Status"
	never []string // packages of the standard library that would break the reason; "os/..." means all below as well
	why   string
}

// noIO is what code that turns bytes into values and back has no use for: sockets, files, goroutines, a clock.
var noIO = []string{"net", "net/http/...", "os/...", "sync/...", "syscall", "time", "context"}

// httpNames are the names of net/http that spare us our own copies: of methods and of statuses.
var httpNames = []string{"net/http.Method", "net/http.Status"}

var rooms = []room{
	// Floor 1: nothing of this module.
	{"internal/engine", []string{"golang.org/x/sys"}, []string{"net/http/...", "net/textproto", "mime/..."},
		"engine moves bytes and knows no HTTP"},
	{"internal/http1", httpNames, noIO, "http1 turns bytes into messages and back: no sockets, no goroutine, no clock"},
	{"internal/route", httpNames, noIO, "route turns a method and a path into a value: no messages, no sockets, no clock"},
	{"broadcast", nil, []string{"net/http/..."}, "broadcast knows no HTTP and stands beside the ground packages"},

	// Floor 2: joins floor 1, and is the whole public face.
	{".", []string{"./internal/engine", "./internal/http1", "./internal/route"}, nil,
		"the root joins the ground packages and imports no wing"},

	// Floor 3: the wings stand on the root, not on each other.
	{"middleware", []string{".", "./broadcast", "github.com/klauspost/compress", "github.com/andybalholm/brotli", "github.com/golang-jwt/jwt"}, nil,
		"a wing sees what users see, and no other wing"},
	{"websocket", []string{".", "./broadcast", "github.com/klauspost/compress"}, nil, "a wing sees what users see, and no other wing"},
	{"sse", []string{".", "./broadcast"}, nil, "a wing sees what users see, and no other wing"},
	{"hyperlanetest", []string{".", "./broadcast"}, nil, "a wing sees what users see, and no other wing"},
}

// narrowFiles are single files that stand under a narrower rule than their room.
var narrowFiles = []room{
	{"websocket/frame.go", httpNames, noIO, "frames are bytes in and values out: no sockets, no goroutine, no clock"},
}

// mayRequire is all that the root go.mod may ask of a user.
var mayRequire = map[string]string{
	"golang.org/x/sys":              "epoll, for internal/engine",
	"github.com/klauspost/compress": "deflate with a chosen window, gzip and zstd; requires nothing itself",
	"github.com/andybalholm/brotli": "brotli; requires nothing that is compiled in",
	"github.com/golang-jwt/jwt":     "tokens, for middleware; requires nothing itself",
}

// longFiles are the files that may be longer than maxFileLines, with the reason.
var longFiles = map[string]string{}

const maxFileLines = 500

func TestImportsGoDownNeverSidewaysNeverUp(t *testing.T) {
	for _, src := range goFiles(t) {
		if src.nested != "" {
			checkNested(t, src)
			continue
		}
		r, ok := roomOf(rooms, src.dir())
		if !ok {
			if !src.test() {
				t.Errorf("%s: %s is no room of the table in arch_test.go: name what it may import and why, and write the decision down in docs/decisions",
					src.path, src.dir())
			}
			continue
		}
		if narrow, ok := roomOf(narrowFiles, src.path); ok {
			checkNever(t, src, narrow)
		}
		if !src.test() {
			checkNever(t, src, r)
		}
		for _, imp := range src.imports {
			if isStandard(imp.path) {
				continue
			}
			if !allowsImport(r, imp.path) && !(src.test() && testMay(r, imp.path)) {
				t.Errorf("%s:%d imports %s: %s (allowed besides the standard library: %s)",
					src.path, imp.line, imp.path, r.why, orNone(r.may))
			}
		}
	}
}

// testMay says what test files may import beyond their room: their own package, and every public package of this module,
// because what is tested there is what a user sees. Libraries that only tests need belong to the module interop, so that
// the root go.mod stays bare.
func testMay(r room, imp string) bool {
	if imp == path.Join(modulePath, r.dir) {
		return true
	}
	return (imp == modulePath || strings.HasPrefix(imp, modulePath+"/")) && !isInternal(imp)
}

// checkNested holds the rule of floor 4: a nested module sees what users see.
func checkNested(t *testing.T, src goFile) {
	t.Helper()
	own := path.Join(modulePath, src.nested)
	for _, imp := range src.imports {
		if isInternal(imp.path) && !strings.HasPrefix(imp.path, own+"/") && strings.HasPrefix(imp.path, modulePath) {
			t.Errorf("%s:%d imports %s: nested modules see what users see; only the root opens internal/", src.path, imp.line, imp.path)
		}
		if src.nested != "bench" && strings.HasPrefix(imp.path, modulePath+"/bench") {
			t.Errorf("%s:%d imports %s: only bench knows other frameworks", src.path, imp.line, imp.path)
		}
	}
}

func checkNever(t *testing.T, src goFile, r room) {
	t.Helper()
	for _, imp := range src.imports {
		for _, never := range r.never {
			if matchesPath(never, imp.path) && !onlyNames(r, imp) {
				t.Errorf("%s:%d imports %s: %s (allowed: %s)", src.path, imp.line, imp.path, r.why, orNone(r.may))
			}
		}
	}
}

func TestRootModuleRequiresAlmostNothing(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	block := ""
	for i, line := range strings.Split(string(data), "\n") {
		line, comment, _ := strings.Cut(line, "//")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == ")" {
			block = ""
			continue
		}
		verb := block
		if verb == "" {
			verb, words = words[0], words[1:]
		}
		if len(words) == 1 && words[0] == "(" {
			block = verb
			continue
		}
		switch verb {
		case "module", "go", "ignore", "retract":
		case "require":
			name := words[0]
			if _, ok := mayRequire[withoutMajor(name)]; !ok {
				t.Errorf("go.mod:%d requires %s %s: every user would download it; a nested module is the place for it, interop for what only tests need",
					i+1, name, strings.TrimSpace(comment))
			}
		default:
			t.Errorf("go.mod:%d: %s: the root go.mod has only requirements; tools are in tools.mod", i+1, verb)
		}
	}
}

func TestEveryPackageHasOnePackageComment(t *testing.T) {
	type pkg struct{ code, commented, test, testCommented []string }
	pkgs := map[string]*pkg{}
	for _, src := range goFiles(t) {
		p := pkgs[src.dir()]
		if p == nil {
			p = new(pkg)
			pkgs[src.dir()] = p
		}
		all, commented := &p.code, &p.commented
		if src.test() {
			all, commented = &p.test, &p.testCommented
		}
		*all = append(*all, src.path)
		if src.doc {
			*commented = append(*commented, src.path)
		}
	}
	for dir, p := range pkgs {
		commented := p.commented
		if len(p.code) == 0 {
			commented = p.testCommented // a package of nothing but tests says there what it is
		}
		if len(commented) != 1 {
			t.Errorf("%s: %d files have a package comment, want 1: %s", dir, len(commented), orNone(commented))
		}
	}
}

func TestFilesStayShort(t *testing.T) {
	for _, src := range goFiles(t) {
		why, listed := longFiles[src.path]
		switch {
		case src.test():
		case src.lines > maxFileLines && !listed:
			t.Errorf("%s has %d lines, more than %d: one noun, one file; cut it, or give the reason in longFiles", src.path, src.lines, maxFileLines)
		case src.lines <= maxFileLines && listed:
			t.Errorf("%s has %d lines and needs no exception any more (%s): delete it from longFiles", src.path, src.lines, why)
		}
	}
}

// A goFile is one Go file of the repository.
type goFile struct {
	path    string // slashes, below the root
	pkg     string // name of its package
	nested  string // directory of the nested module it belongs to; empty in the root module
	imports []importLine
	doc     bool // has a package comment
	lines   int
}

type importLine struct {
	path string
	line int
	uses []string // the names that the file takes from it
}

func (s goFile) dir() string { return path.Dir(s.path) }
func (s goFile) test() bool  { return strings.HasSuffix(s.path, "_test.go") }

// goFiles reads every Go file of the repository, of every platform and of every module.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var all []goFile
	var nested []string
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		slash := filepath.ToSlash(name)
		if entry.IsDir() {
			base := path.Base(slash)
			if slash != "." && (base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && slash != "." {
				nested = append(nested, slash)
			}
			return nil
		}
		if path.Ext(slash) != ".go" {
			return nil
		}
		src, err := parseGoFile(set, slash)
		if err != nil {
			return err
		}
		for _, dir := range nested {
			if strings.HasPrefix(slash, dir+"/") {
				src.nested = dir
			}
		}
		all = append(all, src)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func parseGoFile(set *token.FileSet, name string) (goFile, error) {
	data, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		return goFile{}, err
	}
	file, err := parser.ParseFile(set, name, data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return goFile{}, fmt.Errorf("failed to parse: %w", err)
	}
	src := goFile{path: name, pkg: file.Name.Name, lines: bytes.Count(data, []byte("\n")), doc: packageComment(file.Doc)}
	for _, spec := range file.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return goFile{}, err
		}
		local := path.Base(imp)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		src.imports = append(src.imports, importLine{imp, set.Position(spec.Pos()).Line, selected(file, local)})
	}
	return src, nil
}

// selected lists the names that file takes from what it calls local.
func selected(file *ast.File, local string) []string {
	if local == "." {
		return []string{"."}
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
				names = append(names, sel.Sel.Name)
			}
		}
		return true
	})
	return names
}

// packageComment reports whether doc says anything to a reader: a directive such as //go:debug alone is none.
func packageComment(doc *ast.CommentGroup) bool {
	return doc != nil && strings.TrimSpace(doc.Text()) != ""
}

func roomOf(table []room, name string) (room, bool) {
	i := slices.IndexFunc(table, func(r room) bool { return matchesPath(r.dir, name) })
	if i < 0 {
		return room{}, false
	}
	return table[i], true
}

// matchesPath reports whether name is what pattern names; "a/..." names a and all below it.
func matchesPath(pattern, name string) bool {
	tree, ok := strings.CutSuffix(pattern, "/...")
	return name == tree || ok && strings.HasPrefix(name, tree+"/")
}

// allowsImport reports whether the table opens imp to r: a package of this module by its name, another module as a whole.
func allowsImport(r room, imp string) bool {
	return slices.ContainsFunc(r.may, func(may string) bool {
		if strings.HasPrefix(may, ".") {
			return imp == path.Join(modulePath, may)
		}
		return imp == may || strings.HasPrefix(imp, may+"/")
	})
}

// onlyNames reports whether the table opens all that is used of imp to r, although the rest of it is closed.
func onlyNames(r room, imp importLine) bool {
	opened := func(name string) bool {
		return slices.ContainsFunc(r.may, func(may string) bool { return strings.HasPrefix(imp.path+"."+name, may) })
	}
	return len(imp.uses) > 0 && !slices.ContainsFunc(imp.uses, func(name string) bool { return !opened(name) })
}

func isStandard(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

func isInternal(imp string) bool { return slices.Contains(strings.Split(imp, "/"), "internal") }

// withoutMajor cuts the /v5 off a module path.
func withoutMajor(name string) string {
	if v, err := strconv.Atoi(strings.TrimPrefix(path.Base(name), "v")); err == nil && v > 1 {
		return path.Dir(name)
	}
	return name
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
