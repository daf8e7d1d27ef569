package hyperlane_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// TestPublicSurface compares every name that users can write with testdata/surface, one file per public package, so that no
// name appears, changes or goes by accident. After a change that you mean: go test -run TestPublicSurface -update .
func TestPublicSurface(t *testing.T) {
	dirs := publicDirs(t)
	var goldens []string
	for _, dir := range dirs {
		name := path.Join("testdata/surface", strings.ReplaceAll(dir, "/", "_")+".txt")
		if dir == "." {
			name = "testdata/surface/hyperlane.txt"
		}
		goldens = append(goldens, name)
		t.Run(path.Base(path.Join(modulePath, dir)), func(t *testing.T) {
			compareGolden(t, name, strings.Join(surface(t, dir), "\n")+"\n")
		})
	}
	stored, err := filepath.Glob("testdata/surface/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stored {
		if !slices.Contains(goldens, filepath.ToSlash(name)) {
			t.Errorf("%s belongs to no public package: delete it", name)
		}
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	const remedy = "if you mean it: go test -run TestPublicSurface -update ."
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	stored, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v; %s", err, remedy)
	}
	want := strings.ReplaceAll(string(stored), "\r\n", "\n")
	if got == want {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for _, line := range wantLines {
		if !slices.Contains(gotLines, line) {
			t.Errorf("gone:  %s", line)
		}
	}
	for _, line := range gotLines {
		if !slices.Contains(wantLines, line) {
			t.Errorf("added: %s", line)
		}
	}
	t.Errorf("the public surface differs from %s; %s", name, remedy)
}

// publicDirs lists the directories of the packages of this module that users can import.
func publicDirs(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, src := range goFiles(t) {
		dir := src.dir()
		if src.nested == "" && !src.test() && src.pkg != "main" && !isInternal(dir) && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// surface lists what the package in dir exports, one line for each name: functions, variables and constants first, then every
// type with its fields and methods.
func surface(t *testing.T, dir string) []string {
	t.Helper()
	pkg := documentation(t, dir)
	var lines []string
	values := func(groups []*doc.Value) {
		for _, group := range groups {
			lines = append(lines, valueLines(group.Decl)...)
		}
	}
	functions := func(funcs []*doc.Func) {
		for _, f := range funcs {
			lines = append(lines, funcLine(f.Decl))
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	functions(pkg.Funcs)
	for _, typ := range pkg.Types {
		// go/doc files what makes or names a value of a type with the type.
		values(typ.Consts)
		values(typ.Vars)
		functions(typ.Funcs)
	}
	slices.Sort(lines)
	for _, typ := range pkg.Types {
		for _, spec := range typ.Decl.Specs {
			lines = append(lines, typeLines(spec.(*ast.TypeSpec))...)
		}
		functions(typ.Methods)
	}
	return lines
}

// documentation reads the package in dir as it is built on one fixed platform, so that the golden file is the same on all.
func documentation(t *testing.T, dir string) *doc.Package {
	t.Helper()
	platform := build.Default
	platform.GOOS, platform.GOARCH, platform.CgoEnabled, platform.BuildTags = "linux", "amd64", false, nil
	names, err := filepath.Glob(filepath.Join(filepath.FromSlash(dir), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if match, err := platform.MatchFile(filepath.Split(name)); err != nil {
			t.Fatal(err)
		} else if !match || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	pkg, err := doc.NewFromFiles(set, files, path.Join(modulePath, dir))
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

func valueLines(decl *ast.GenDecl) []string {
	var lines []string
	var typ ast.Expr
	for _, s := range decl.Specs {
		spec := s.(*ast.ValueSpec)
		if spec.Type != nil || len(spec.Values) > 0 {
			typ = spec.Type // a constant without either repeats the one before
		}
		for i, name := range spec.Names {
			if !name.IsExported() {
				continue
			}
			line := fmt.Sprintf("%s %s", decl.Tok, name.Name)
			if typ != nil {
				line += " " + oneLine(typ)
			}
			if i < len(spec.Values) {
				line += " = " + initial(spec.Values[i])
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// initial shows what a name starts as: a constant as it is, of a call only what is called, because a text is no surface.
func initial(value ast.Expr) string {
	switch value := value.(type) {
	case *ast.CallExpr:
		return oneLine(value.Fun) + "(...)"
	case *ast.CompositeLit:
		return oneLine(value.Type) + "{...}"
	case *ast.UnaryExpr:
		return value.Op.String() + initial(value.X)
	}
	return oneLine(value)
}

func funcLine(decl *ast.FuncDecl) string {
	return oneLine(&ast.FuncDecl{Recv: decl.Recv, Name: decl.Name, Type: decl.Type})
}

// typeLines has one line for the type, and one for each exported field of a struct or method of an interface.
func typeLines(spec *ast.TypeSpec) []string {
	head := *spec
	var members *ast.FieldList
	var kind string
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		members, kind, head.Type = typ.Fields, "field", ast.NewIdent("struct")
	case *ast.InterfaceType:
		members, kind, head.Type = typ.Methods, "method", ast.NewIdent("interface")
	}
	head.Doc, head.Comment = nil, nil
	lines := []string{"type " + oneLine(&head)}
	if members == nil {
		return lines
	}
	for _, member := range members.List {
		prefix := fmt.Sprintf("    %s %s.", kind, spec.Name.Name)
		for _, name := range member.Names {
			signature := oneLine(member.Type)
			if kind == "method" {
				signature = strings.TrimPrefix(signature, "func")
			} else {
				signature = " " + signature
			}
			lines = append(lines, prefix+name.Name+signature)
		}
		if len(member.Names) == 0 {
			lines = append(lines, fmt.Sprintf("    embeds %s", oneLine(member.Type)))
		}
	}
	return lines
}

// oneLine prints node as gofmt would, but on one line: in an empty file set no position tells where a line was broken.
func oneLine(node any) string {
	var buf bytes.Buffer
	if err := printer.Fprint(&buf, token.NewFileSet(), node); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(buf.String()), " ")
}
